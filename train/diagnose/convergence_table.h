// How far each layer's gate has come on its way to k slots a token.
#pragma once

#include "train/diagnose/diagnose.h"
#include "train/text_table.h"

namespace moe {

// A row for each layer: share of the tokens without a slot, with fewer than k, with k and with more; the
// weight on the top slot; and of gates with bits the decided share of each selector's, the first of
// them. No rows where no layer has a histogram of slots.
TextTable convergence_table(const Diagnosis& diagnosis);

}  // namespace moe

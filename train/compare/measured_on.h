// Whether two variants' values of a metric were measured on the same text.
#pragma once

#include <string>

#include "train/compare/variants.h"

namespace moe {

// What the values of `metric` were measured on, where that differs: "train.eval_tokens (131072, 65536)". Empty where
// they can be held against each other.
//   of validation         the held-out text, how much of it, and how it is cut into rows (context, documents); of `loss`
//                         and objectives.NAME, which are the objective's, the objective too
//   eval.TASK             the settings of the last records of all runs. Where all of a text was measured, the context
//                         decides on nothing of eval.causal.bits_per_byte
//   of training, routing  never: each run's own batches
std::string measured_otherwise(const Variant& a, const Variant& b, const std::string& metric);

// What to do about it, after a semicolon.
std::string measuring_alike();

}  // namespace moe

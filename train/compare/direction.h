// Which way a metric is better.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "train/compare/variants.h"

namespace moe {

// What eval.jsonl says of a task; false for the losses and bits of validation. None for what is neither good nor
// bad by itself (train.lr), and for what training rows have of single batches (train.loss), whose noise would be
// taken for quality.
std::optional<bool> higher_is_better(const std::vector<Variant>& variants, const std::string& metric);

}  // namespace moe

// Which variants belong together: a sparse one and its dense twin, a continued one and its matched control.
#pragma once

#include <optional>
#include <vector>

#include "train/compare/variants.h"

namespace moe {

// The dense variant that differs from this sparse one in its experts alone (model.moe), and in what a continued one
// began with; steps may differ where train.extra_compute counts them out. None where it is dense, or where no
// variant or more than one is such.
std::optional<size_t> dense_twin(const std::vector<Variant>& variants, size_t sparse);

// The variant that was continued causally where this one was continued otherwise, and differs in nothing else
// (objective). None where no variant or more than one is such.
std::optional<size_t> matched_control(const std::vector<Variant>& variants, size_t continued);

}  // namespace moe

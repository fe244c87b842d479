// Which variants belong together: a sparse one and its dense twin, a continued one and its matched control.
#pragma once

#include <optional>
#include <vector>

#include "train/compare/variants.h"

namespace moe {

// The dense variant that differs from this sparse one in its experts alone (model.moe; of an upcycled one, with experts
// that are copies of the dense network, model.active_width too), and in what a continued one began with; steps may
// differ where train.extra_compute counts them out. None where it is dense, or where no variant or more than one is
// such.
std::optional<size_t> dense_twin(const std::vector<Variant>& variants, size_t sparse);

// Whether a run of `continued` began with the last checkpoint of a run of `base`, as its notes say: at equal total cost
// the two are one.
bool begins_with_end_of(const Variant& continued, const Variant& base);

// The variant that was continued causally where this one was continued otherwise, and differs in nothing else
// (objective). None where no variant or more than one is such.
std::optional<size_t> matched_control(const std::vector<Variant>& variants, size_t continued);

}  // namespace moe

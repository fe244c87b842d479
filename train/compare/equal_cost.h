// Sparse against dense at equal cost.
#pragma once

#include <string>
#include <vector>

#include "train/compare/compute.h"
#include "train/compare/variants.h"

namespace moe {

// Of every sparse variant with a dense twin (dense_twin(); failing that the baseline, where it is dense and the sparse
// one does not continue it from its end), of finished runs
//   {name, dense, flops_per_token, flops, seconds}
//     flops_per_token  {sparse, dense}: in training once the gate is sparse, as `flops` counts; twins' are nearly equal
//     flops, seconds   {at, sparse, dense, n, difference}: the metric at the largest total cost that both have been
//                      at, on the straight line between each run's points, means over n seeds (of the one with
//                      fewer); difference is test_figures() over common seeds, or holds the means' alone; null where
//                      the two have no cost in common
// Null where there is no such pair, measured on one text. `figures` are variant_figures().
Json equal_cost_figures(const std::vector<Variant>& variants, const Json& figures, size_t baseline,
                        const std::string& metric, AttentionFlops flops);

}  // namespace moe

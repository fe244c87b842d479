#include "moe/dispatcher.h"

#include "layers/shapes.h"
#include "moe/slot_chunks.h"
#include "moe/slot_order.h"

namespace moe {
namespace {

// Built-in cost table, from `moe-bench dispatch` (docs/results.md): the share of all T * E slots above
// which two large products beat sorting, gathering and one product per expert.
constexpr double kDenseShare = 0.85;

Dispatched run_dense(const Tensor& x, const Routing& routing, Experts& experts) {
  const int64_t T = x.size(0), E = experts.count();
  // A constant 0 stands for slots that are not live, so no gradient reaches their weight.
  const auto live = at::where(routing.live(), routing.weight,
                              at::zeros({}, routing.weight.options()));           // [T, K]
  const auto weight = at::zeros({T, E}, live.options().requires_grad(false))
                          .scatter_add(1, routing.expert.clamp_min(0), live);    // [T, E]
  return {experts.forward_dense(x, weight), T * E, 0, 0};
}

Dispatched run_sparse(const Tensor& x, const Routing& routing, Experts& experts,
                      const LiveCounts& counts, int64_t chunk) {
  const bool few_sizes = needs_few_sizes(x);
  const auto order = slot_order(routing, counts, few_sizes);
  const int64_t L = order.offsets.back();
  if (chunk > 0 && L > chunk) {
    // Pieces of padded experts stay of few sizes.
    const int64_t whole = few_sizes && chunk > 64 ? chunk / 64 * 64 : chunk;
    return {chunked_slots(x, routing.weight, order, experts, whole), L,
            recomputed_share(experts.activation()) * static_cast<double>(L), 0};
  }
  const auto rows = experts.forward(gather_rows(x, order), order.offsets);  // [L, D]
  return {combine_rows(rows, routing.weight, order), L, 0, 0};
}

}  // namespace

Dispatched DenseDispatcher::run(const Tensor& x, const Routing& routing, Experts& experts) const {
  return run_dense(x, routing, experts);
}

Dispatched SparseDispatcher::run(const Tensor& x, const Routing& routing, Experts& experts) const {
  auto result = run_sparse(x, routing, experts, live_counts(routing), chunk_);
  result.host_syncs = 1;
  return result;
}

Dispatched AutoDispatcher::run(const Tensor& x, const Routing& routing, Experts& experts) const {
  const auto counts = live_counts(routing);
  const int64_t T = x.size(0), E = experts.count();
  const bool fits = chunk_ == 0 || T * E <= chunk_;
  auto result = fits && dense_is_cheaper(counts.slots(), T, E)
                    ? run_dense(x, routing, experts)
                    : run_sparse(x, routing, experts, counts, chunk_);
  result.host_syncs = 1;
  return result;
}

bool dense_is_cheaper(int64_t live_slots, int64_t tokens, int64_t experts) {
  return static_cast<double>(live_slots) > kDenseShare * static_cast<double>(tokens * experts);
}

std::unique_ptr<Dispatcher> make_dispatcher(const std::string& word, int64_t chunk) {
  if (word == "dense") {
    return std::make_unique<DenseDispatcher>();
  }
  if (word == "sparse") {
    return std::make_unique<SparseDispatcher>(chunk);
  }
  TORCH_CHECK(word == "auto", "dispatch: expected auto, dense or sparse, found '", word, "'");
  return std::make_unique<AutoDispatcher>(chunk);
}

}  // namespace moe

#include "gates/top_k_choice.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gates/capacity.h"
#include "gates/gate_losses.h"

namespace moe {

Tensor top_k_experts(const Tensor& logits, int64_t k) {
  auto left = logits.detach().clone();  // [T, E]
  std::vector<Tensor> chosen;
  for (int64_t choice = 0; choice < k; ++choice) {
    const auto best = left.argmax(1, /*keepdim=*/true);  // [T, 1], the first of equal ones
    chosen.push_back(best);
    left.scatter_(1, best, -std::numeric_limits<double>::infinity());
  }
  return at::cat(chosen, 1);  // [T, k]
}

Routing route_slots(const WantedSlots& wanted, const CapacityOptions& options,
                    const GateInput& input) {
  const int64_t K = wanted.expert.size(1), E = wanted.probability.size(1);
  const int64_t all = input.context.all_tokens();  // of the micro-step, over all ranks
  const int64_t group = std::llround(
      static_cast<double>(options.group_tokens == 0 ? all : std::min(options.group_tokens, all)) *
      input.share);
  const auto capacity = [&](double factor) {
    return expert_capacity(group, options.times_k ? K : 1, E, factor);
  };
  const bool limited = input.context.training && options.factor > 0;
  const bool shown = input.context.diagnostics && options.eval_factor > 0;
  const auto empty = at::full({}, kEmpty, wanted.expert.options());
  const auto valid = input.valid();

  Routing routing;
  routing.expert = wanted.expert;
  if (wanted.refused.defined()) {
    routing.expert = at::where(wanted.refused, empty, routing.expert);
  }
  if (valid.defined()) {
    routing.expert = at::where(valid.unsqueeze(1), routing.expert, empty);
  }
  Tensor place, dropped;  // [T, K]
  if (limited || shown) {
    TORCH_CHECK(input.ranks.ranks() == 1 || input.context.world_tokens > 0,
                "capacity over ranks: expected the number of all ranks' tokens in the context");
    const auto first = wanted.probability.detach().gather(1, wanted.expert.narrow(1, 0, 1));  // [T, 1]
    place = world_queue_positions(at::where(wanted.weight != 0, routing.expert, empty), E,
                                  capacity_order(options.order), options.group_tokens, first.squeeze(1),
                                  {input.ranks, all, input.context.tokens_before});
  }
  if (limited) {
    dropped = place >= capacity(options.factor);
    routing.expert = at::where(dropped, empty, routing.expert);
  }
  routing.weight = at::where(routing.expert != kEmpty, wanted.weight,
                             at::zeros({}, wanted.weight.options()));
  if (wanted.renormalize) {
    const auto sum = routing.weight.sum(1, /*keepdim=*/true);  // [T, 1]
    routing.weight = routing.weight / at::where(sum > 0, sum, at::ones({}, sum.options()));
  }

  routing.stats =
      gate_stats(routing, wanted.probability, dropped, valid, input.context.diagnostics);
  const auto options64 = wanted.weight.options().dtype(at::kDouble).requires_grad(false);
  if (limited && input.context.diagnostics) {
    routing.stats.gate["capacity"] = {
        at::full({}, static_cast<double>(capacity(options.factor)), options64),
        at::ones({}, options64)};
  }
  if (shown) {
    routing.stats.gate["over_eval_capacity"] = {
        (place >= capacity(options.eval_factor)).sum(at::kDouble), (place >= 0).sum(at::kDouble)};
  }
  return routing;
}

std::vector<AuxLoss> balance_losses(const BalanceOptions& options, const Tensor& logits,
                                    const Tensor& probability, const Tensor& counted,
                                    const GateInput& input) {
  const auto valid = input.valid();
  std::vector<AuxLoss> losses;
  if (options.load_balancing > 0) {
    losses.push_back({"load_balancing",
                      load_balancing_loss(probability, counted, valid,
                                          balance_scope(options.balance_scope), input.context.B(),
                                          input.ranks),
                      options.load_balancing});
  }
  if (options.z_loss > 0) {
    losses.push_back({"z_loss", z_loss(logits, valid, input.ranks), options.z_loss});
  }
  return losses;
}

}  // namespace moe

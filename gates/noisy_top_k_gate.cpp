#include "gates/noisy_top_k_gate.h"

#include <cmath>
#include <numbers>

#include "gates/gate_losses.h"
#include "gates/learned_options.h"
#include "gates/top_k_choice.h"
#include "layers/shapes.h"

namespace moe {
namespace {

// The least deviation of the noise: in the authors' code, not in the paper.
constexpr double kLeastDeviation = 1e-2;

Tensor normal_cdf(const Tensor& t) { return 0.5 * at::erfc(t * (-1 / std::numbers::sqrt2)); }

}  // namespace

NoisyChoice noisy_choice(const Tensor& clean, const Tensor& std, const Tensor& noise,
                         const Tensor& dropped, int64_t k) {
  const int64_t E = clean.size(1);
  const bool smooth = noise.defined() && k < E;
  const auto noisy =
      without_dropped(noise.defined() ? clean + noise * std : clean, dropped);  // [T, E]
  NoisyChoice choice;
  choice.expert = top_k_experts(noisy, k);  // [T, k]
  choice.weight = noisy.gather(1, choice.expert).softmax(1);
  const auto chosen = at::zeros_like(clean.detach()).scatter(1, choice.expert, 1);  // [T, E]
  if (!smooth) {
    choice.load = chosen;
    return choice;
  }
  const auto others = without_dropped(noisy, chosen.to(at::kBool));              // [T, E]
  const auto outside = others.gather(1, top_k_experts(others, 1));               // [T, 1]
  const auto inside = noisy.gather(1, choice.expert.narrow(1, k - 1, 1));        // [T, 1]
  // A chosen expert stays while it beats the best outside; another comes in when it beats the last inside.
  const auto threshold = at::where(noisy > outside, outside, inside);  // [T, E]
  // Expert dropout leaves no probability to the dropped, and nothing to lose to where it leaves k: there
  // logits are infinite, and must not reach the quotient, whose gradient would not be a number.
  auto known = threshold.detach().isfinite();
  if (dropped.defined()) {
    known = known & dropped.logical_not();
  }
  const auto margin = (clean - at::where(known, threshold, at::zeros({}, threshold.options()))) / std;
  choice.load = at::where(known, normal_cdf(margin), chosen);
  return choice;
}

NoisyTopKGate::NoisyTopKGate(const NoisyTopKConfig& config, int64_t d_model, int64_t experts,
                             const Initializer& init)
    : config_(config) {
  // Zero by default, both: the first choices are then noise alone, of deviation ln 2 + 0.01, and the load
  // is even before anything is learned.
  const double std = config.init_scale / std::sqrt(d_model);
  weight_ = register_parameter("weight", init.truncated_normal("weight", {experts, d_model}, std));
  noise_weight_ = register_parameter(
      "noise_weight", init.truncated_normal("noise_weight", {experts, d_model}, std));
}

Routing NoisyTopKGate::forward(const GateInput& input) {
  const int64_t E = weight_.size(0);
  check_shape(input.x, {-1, weight_.size(1)}, "NoisyTopKGate input");
  const auto dtype = gate_dtype(input.x);
  const auto valid = input.valid();
  const auto h = gate_features(config_.learned, input);                                  // [T, D]
  const auto clean = at::linear(h, weight_.to(dtype));                                   // [T, E]
  const auto std = at::softplus(at::linear(h, noise_weight_.to(dtype))) + kLeastDeviation;  // [T, E]
  const auto dropped = dropped_experts(config_.learned, input, E, config_.k);
  Tensor noise;
  if (input.context.training) {
    noise = normal_noise(input.noise, NoiseSite::kLogits, h.size(0), E, h.device()).to(dtype);
  }
  const auto choice = noisy_choice(clean, std, noise, dropped, config_.k);
  const auto probability = without_dropped(clean, dropped).softmax(1);  // [T, E]

  auto routing =
      route_slots({choice.expert, flush_tiny(choice.weight), {}, probability}, {}, input);
  const auto add_loss = [&](const char* name, double coefficient, const Tensor& per_token) {
    if (coefficient > 0) {
      routing.aux.push_back({name,
                             squared_variation(per_token, valid, balance_scope(config_.balance_scope),
                                               input.context.B(), input.ranks),
                             coefficient});
    }
  };
  add_loss("importance", config_.importance,
           at::zeros_like(probability.detach()).scatter(1, choice.expert, choice.weight));
  add_loss("load", config_.load, choice.load);
  if (input.context.diagnostics) {
    routing.stats.gate["noise_deviation"] = mean_over(std.detach().mean(1), valid);
  }
  return routing;
}

}  // namespace moe

#include "gates/dselect_k_config.h"

#include <cmath>

namespace moe {

int64_t expert_bits(int64_t experts) {
  int64_t bits = 0;
  while ((int64_t{1} << bits) < experts) {
    ++bits;
  }
  return bits;
}

GateAbout DSelectKConfig::about() const {
  return {"Hazimeh et al. 2021, arXiv 2106.03760, section 3.3",
          "E at first, k once sparse",
          {"entropy", "collision", "load_balancing", "reachability"},
          {},
          ""};
}

GateAbout DSelectKStaticConfig::about() const {
  auto about = DSelectKConfig::about();
  about.paper = "Hazimeh et al. 2021, arXiv 2106.03760, section 3.2";
  return about;
}

double DSelectKConfig::flops_per_token(int64_t d_model, int64_t experts) const {
  const double m = static_cast<double>(expert_bits(experts));
  return 2.0 * d_model * k * (m + 1) + static_cast<double>(k * experts) * (m + 2);
}

double DSelectKConfig::saved_values_per_token(int64_t experts) const {
  // The logits, from which backward computes the selectors again, the weights, and their shares.
  const int64_t shares = load_balancing.value > 0 ? experts : 0;
  return static_cast<double>(k * (expert_bits(experts) + 1) + 2 * experts + shares);
}

int64_t DSelectKConfig::first_slots(int64_t experts) const { return experts; }

double DSelectKConfig::gamma_at(double progress) const {
  // The endpoints exactly: the power's rounding would move the edges of saturated bits.
  const double share = gamma_final > 0 ? ramp_share(progress, gamma_from, gamma_until) : 0;
  return share <= 0 ? gamma : share >= 1 ? gamma_final : gamma * std::pow(gamma_final / gamma, share);
}

void DSelectKConfig::fields(Fields& f) {
  f("k", k, "selectors: experts of a token once the gate is sparse", between(1, 1024));
  f("gamma", gamma, "width of the smooth step: a bit is decided once |logit| >= gamma / 2",
    above(0));
  f("gamma_final", gamma_final,
    "width that gamma changes to by a constant factor a step, wherever the model is used then; 0: it "
    "stays. A narrower one decides bits, a wider one brings decided bits back into doubt",
    at_least(0));
  f("gamma_from", gamma_from, "share of the run at which gamma begins to change", between(0, 1));
  f("gamma_until", gamma_until, "share of the run from which on it is gamma_final", between(0, 1));
  entropy.fields(f, "entropy",
                 "coefficient of the selectors' entropy (nats; summed over a token's selectors, mean over "
                 "tokens), which drives bits to 0 or 1");
  collision.fields(f, "collision",
                   "coefficient of sum over a token's pairs of selectors of <r_s, r_t>, mean over tokens: "
                   "1 for a pair on one expert, 0 for a pair on two");
  load_balancing.fields(f, "load_balancing",
                        "coefficient of experts * sum_e P_e^2, P_e being expert e's share of the mixed "
                        "weights of all tokens: 1 at perfect balance, experts where one has all");
  f("reachability", reachability,
    "coefficient of 1 / (mass on codes that have an expert), summed over a token's selectors, mean "
    "over tokens; only where the number of experts is not a power of two",
    at_least(0));
  f("init_scale", init_scale,
    "first bit weights are uniform in +-init_scale * gamma / (100 sqrt(d_model)): published is 1, without "
    "the root, which keeps bits undecided at any width and which a static gate does not have. The "
    "mixture's are in +-init_scale * 0.05 / sqrt(d_model)",
    at_least(0));
  learned.fields(f);
}

void DSelectKConfig::check(Rules& rules) const {
  check_ramp(rules, "gamma", gamma_from, gamma_until);
  rules.require(per_token() || learned.jitter == 0, "jitter",
                "must be 0, since a static gate does not read its input; found " +
                    std::to_string(learned.jitter));
  entropy.check(rules, "entropy");
  collision.check(rules, "collision");
  load_balancing.check(rules, "load_balancing");
}

}  // namespace moe

#include "gates/dselect_k_config.h"

#include <algorithm>

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
          {"entropy", "reachability"},
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
  // Of every selector's E values: both factors of a bit's product; the entropy's; the mixture's.
  const double m = static_cast<double>(expert_bits(experts));
  return static_cast<double>(k * experts) * (2 * m + 5);
}

int64_t DSelectKConfig::first_slots(int64_t experts) const { return experts; }

double DSelectKConfig::entropy_coefficient(double progress) const {
  if (progress >= entropy_until) {
    return entropy;
  }
  return entropy * std::clamp((progress - entropy_from) / (entropy_until - entropy_from), 0.0, 1.0);
}

void DSelectKConfig::fields(Fields& f) {
  f("k", k, "selectors: experts of a token once the gate is sparse", between(1, 1024));
  f("gamma", gamma, "width of the smooth step: a bit is decided once |logit| >= gamma / 2",
    above(0));
  f("entropy", entropy,
    "coefficient of the selectors' entropy (nats; summed over a token's selectors, mean over tokens), "
    "which drives bits to 0 or 1",
    at_least(0));
  f("entropy_from", entropy_from, "share of the run at which that coefficient starts to grow from 0",
    between(0, 1));
  f("entropy_until", entropy_until, "share of the run from which on it is whole", between(0, 1));
  f("reachability", reachability,
    "coefficient of 1 / (mass on codes that have an expert), summed over a token's selectors, mean "
    "over tokens; only where the number of experts is not a power of two",
    at_least(0));
  f("init_scale", init_scale,
    "first bit weights are uniform in +-init_scale * gamma / (100 sqrt(d_model)), as published but "
    "for the root, which keeps bits undecided at any width and which a static gate does not have",
    at_least(0));
  learned.fields(f);
}

void DSelectKConfig::check(Rules& rules) const {
  rules.require(entropy_from <= entropy_until, "entropy_from",
                "must not be after entropy_until (" + std::to_string(entropy_until) + "), found " +
                    std::to_string(entropy_from));
}

}  // namespace moe

#include "gates/relu_config.h"

namespace moe {

GateAbout ReluConfig::about() const {
  return {"ReMoE: Wang, Chen, Zhu 2024, arXiv 2412.14711, sections 3 and 4",
          "E / 2 at first, k on average once sparse",
          {"l1"},
          {"lambda"},
          ""};
}

void ReluConfig::fields(Fields& f) {
  f("k", k, "experts of a token that lambda steers to, on average over tokens and layers",
    between(1, 1024));
  f("balanced", balanced, "weight every expert's L1 by its load, so that busy experts shrink more");
  f("lambda", lambda, "first and smallest coefficient of the L1, which follows the number of slots",
    above(0));
  f("lambda_factor", lambda_factor,
    "a step multiplies lambda by this where tokens have more than k slots, and divides by it "
    "elsewhere",
    above(1));
  learned.fields(f);
  f("init_scale", init_scale, "first weights are normal with deviation init_scale / sqrt(d_model)",
    at_least(0));
}

}  // namespace moe

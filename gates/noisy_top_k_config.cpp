#include "gates/noisy_top_k_config.h"

namespace moe {

GateAbout NoisyTopKConfig::about() const {
  return {"Shazeer et al. 2017, arXiv 1701.06538, sections 2.1 and 4, appendix A",
          "k",
          {"importance", "load"},
          {},
          ""};
}

void NoisyTopKConfig::fields(Fields& f) {
  f("k", k, "experts of a token", between(1, 1024));
  f("importance", importance,
    "coefficient of the squared coefficient of variation of the experts' sums of weights; 0 at "
    "perfect balance",
    at_least(0));
  f("load", load,
    "coefficient of the squared coefficient of variation of the experts' expected numbers of tokens",
    at_least(0));
  f("balance_scope", balance_scope,
    "tokens over which those sums are formed; `micro_batch`: those of one rank, so that the losses depend "
    "on the layout",
    one_of({"sequence", "micro_batch", "world"}));
  f("init_scale", init_scale,
    "first weights, of logits and of their noise, are normal with deviation init_scale / "
    "sqrt(d_model); 0, as published: all experts are alike, and noise alone chooses",
    at_least(0));
  learned.fields(f);
}

}  // namespace moe

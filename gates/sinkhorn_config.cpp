#include "gates/sinkhorn_config.h"

namespace moe {

GateAbout SinkhornConfig::about() const {
  return {"Clark et al. 2022, arXiv 2202.01169, S-BASE, in Megatron-LM's form", "k", {}, {}, ""};
}

void SinkhornConfig::fields(Fields& f) {
  f("k", k,
    "experts of a token. The weight is sigmoid(logit) for 1, else the softmax over all experts. "
    "Balanced in training, which looks ahead; validation and generation take the largest logits",
    between(1, 1024));
  f("iterations", iterations, "scalings of rows and columns at most", between(1, 10000));
  f("tolerance", tolerance, "stop once the mean change of the columns' factors is at most this",
    at_least(0));
  f("init_scale", init_scale, "first weights are normal with deviation init_scale / sqrt(d_model)",
    at_least(0));
  learned.fields(f);
}

}  // namespace moe

#include "gates/base_config.h"

namespace moe {

GateAbout BaseConfig::about() const {
  return {"Lewis et al. 2021, arXiv 2103.16716, section 3", "1", {}, {}, ""};
}

void BaseConfig::fields(Fields& f) {
  f("init_scale", init_scale,
    "length of the first centroids, which are orthogonal where d_model allows it. In training every "
    "expert gets its equal share of tokens, which looks ahead and is found on the CPU; validation and "
    "generation take the nearest centroid",
    at_least(0));
  learned.fields(f);
}

}  // namespace moe

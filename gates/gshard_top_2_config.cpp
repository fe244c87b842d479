#include "gates/gshard_top_2_config.h"

namespace moe {

GateAbout GshardTop2Config::about() const {
  return {"Lepikhin et al. 2020, arXiv 2006.16668, section 2.2 and algorithm 1",
          "2",
          {"load_balancing", "z_loss"},
          {},
          CapacityOptions::looks_ahead()};
}

void GshardTop2Config::fields(Fields& f) {
  options.fields(f);
  f("init_scale", init_scale, "first weights are normal with deviation init_scale / sqrt(d_model)",
    at_least(0));
}

}  // namespace moe

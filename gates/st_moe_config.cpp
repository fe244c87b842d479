#include "gates/st_moe_config.h"

namespace moe {

StMoeConfig::StMoeConfig() {
  options.second_threshold = 0.2;
  options.renormalize = "none";
  options.capacity.factor = 1.25;
  options.capacity.eval_factor = 2;
  options.balance.z_loss = 1e-3;
}

GateAbout StMoeConfig::about() const {
  return {"Zoph et al. 2022, arXiv 2202.08906, sections 3.3 and 5; priority from Riquelme et al. 2021, "
          "2106.05974, section 4.1",
          "2",
          {"load_balancing", "z_loss"},
          {},
          CapacityOptions::looks_ahead()};
}

void StMoeConfig::fields(Fields& f) {
  options.fields(f);
  f("eval_capacity_factor", options.capacity.eval_factor,
    "evaluation drops nothing; the figure `over_eval_capacity` is the share of slots that this factor "
    "would take away. 0: no figure",
    between(0, 1024));
  f("init_std", init_std, "first weights are normal with this deviation, whatever d_model",
    at_least(0));
}

}  // namespace moe

#include "gates/top_k_presets_config.h"

namespace moe {

GateAbout SwitchConfig::about() const {
  return {"Fedus, Zoph, Shazeer 2021, arXiv 2101.03961, section 2.2", "1", {"load_balancing"}, {}, ""};
}

TopKConfig SwitchConfig::expand() const {
  TopKConfig config;
  config.k = 1;
  config.softmax = "before";
  config.renormalize = false;
  config.capacity.factor = capacity_factor;
  config.learned = learned;
  config.balance.load_balancing = load_balancing;
  config.init_scale = init_scale;
  return config;
}

void SwitchConfig::fields(Fields& f) {
  f("capacity_factor", capacity_factor,
    "tokens per expert: ceil(tokens * factor / experts); 0 drops nothing. Training only",
    between(0, 1024));
  learned.fields(f);
  f("load_balancing", load_balancing, "coefficient of the balance loss (alpha)", at_least(0));
  f("init_scale", init_scale, "first weights are normal with deviation init_scale / sqrt(d_model)",
    at_least(0));
}

GateAbout MixtralConfig::about() const {
  return {"Jiang et al. 2024, arXiv 2401.04088, section 2.1", "k", {"load_balancing"}, {}, ""};
}

TopKConfig MixtralConfig::expand() const {
  TopKConfig config;
  config.k = k;
  config.softmax = "before";
  config.renormalize = true;
  config.balance.load_balancing = load_balancing;
  config.init_scale = init_scale;
  config.learned = learned;
  return config;
}

void MixtralConfig::fields(Fields& f) {
  f("k", k, "experts of a token", between(1, 1024));
  f("load_balancing", load_balancing, "coefficient of the balance loss", at_least(0));
  f("init_scale", init_scale, "first weights are normal with deviation init_scale / sqrt(d_model)",
    at_least(0));
  learned.fields(f);
}

}  // namespace moe

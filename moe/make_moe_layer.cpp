#include "moe/make_moe_layer.h"

#include "gates/gate_list.h"

namespace moe {

std::shared_ptr<MoeLayer> make_moe_layer(const MoeConfig& config, int64_t layer, int64_t d_model,
                                         int64_t active_width, double depth_scale,
                                         const Initializer& init) {
  auto gate = make_gate(config.gate, d_model, config.experts, init.in("gate"));
  auto experts =
      std::make_shared<Experts>(config.experts, d_model, config.expert_width(active_width),
                                depth_scale, init.in("experts"));
  return std::make_shared<MoeLayer>(layer, std::move(gate), std::move(experts),
                                    make_dispatcher(config.dispatch));
}

}  // namespace moe

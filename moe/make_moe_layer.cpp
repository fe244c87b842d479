#include "moe/make_moe_layer.h"

#include "gates/gate_list.h"
#include "moe/expert_exchange.h"
#include "moe/world_ranks.h"

namespace moe {

std::shared_ptr<MoeLayer> make_moe_layer(const MoeConfig& config, int64_t layer, int64_t d_model,
                                         int64_t active_width, Activation activation,
                                         double depth_scale, const Initializer& init,
                                         int64_t vocabulary, const Layout& layout) {
  const auto& mesh = layout.mesh;
  const int64_t width = config.expert_width(layer, active_width);
  auto gate = make_gate(config.gate_of(layer), {d_model, config.experts, vocabulary},
                        init.in("gate"));
  auto experts = std::make_shared<Experts>(config.experts, d_model, width, activation, depth_scale,
                                           init.in("experts"),
                                           ExpertShare{mesh.expert_index(), mesh.expert_ranks()});
  std::shared_ptr<Mlp> shared;
  if (config.shared_experts > 0) {
    shared = std::make_shared<Mlp>(d_model, config.shared_experts * width, activation, depth_scale,
                                   init.in("shared"));
  }
  std::unique_ptr<Dispatcher> dispatcher;
  if (mesh.expert->alone()) {
    dispatcher = make_dispatcher(config.dispatch, config.max_slots_per_chunk);
  } else {
    dispatcher = std::make_unique<ExchangeDispatcher>(
        mesh.expert, layer, ExchangeOptions{layout.overlap_chunks, config.max_slots_per_chunk});
  }
  return std::make_shared<MoeLayer>(layer, std::move(gate), std::move(experts), std::move(shared),
                                    std::move(dispatcher), std::make_unique<WorldRanks>(mesh.world));
}

}  // namespace moe

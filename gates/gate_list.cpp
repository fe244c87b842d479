// The explicit list of gates, torch half. A new gate adds its line here and in gate_kinds.cpp.
#include "gates/gate_list.h"

#include <cmath>

#include "gates/bias_balanced_gate.h"
#include "gates/dselect_k_gate.h"
#include "gates/base_gate.h"
#include "gates/expert_choice_gate.h"
#include "gates/hash_gate.h"
#include "gates/sinkhorn_gate.h"
#include "gates/hierarchical_gate.h"
#include "gates/relu_gate.h"
#include "gates/gshard_top_2_config.h"
#include "gates/noisy_top_k_gate.h"
#include "gates/round_robin_gate.h"
#include "gates/softmax_gate.h"
#include "gates/st_moe_config.h"
#include "gates/top_2_gate.h"
#include "gates/top_k_gate.h"
#include "gates/top_k_presets_config.h"

namespace moe {

template <class Config, class Make>
static GateMaker maker(const char* kind, Make make) {
  return {kind, [make](const GateConfig& config, const GateSize& size,
                       const Initializer& init) -> std::shared_ptr<Gate> {
            return make(static_cast<const Config&>(config), size, init);
          }};
}

template <class Class, class Config>
static GateMaker maker(const char* kind) {
  return maker<Config>(kind, [](const Config& config, const GateSize& size, const Initializer& init) {
    return std::make_shared<Class>(config, size.d_model, size.experts, init);
  });
}

static std::shared_ptr<Gate> preset(const TopKPreset& config, const GateSize& size,
                                    const Initializer& init) {
  return std::make_shared<TopKGate>(config.expand(), size.d_model, size.experts, init);
}

static std::shared_ptr<Gate> gshard_top_2(const GshardTop2Config& config, const GateSize& size,
                                          const Initializer& init) {
  return std::make_shared<Top2Gate>(config.options, config.init_scale / std::sqrt(size.d_model),
                                    size.d_model, size.experts, init);
}

static std::shared_ptr<Gate> st_moe(const StMoeConfig& config, const GateSize& size,
                                    const Initializer& init) {
  return std::make_shared<Top2Gate>(config.options, config.init_std, size.d_model, size.experts, init);
}

std::vector<GateMaker>& gate_makers() {
  static std::vector<GateMaker> list = {
      maker<TopKGate, TopKConfig>("top_k"),
      maker<SwitchConfig>("switch", preset),
      maker<MixtralConfig>("mixtral", preset),
      maker<NoisyTopKGate, NoisyTopKConfig>("noisy_top_k"),
      maker<GshardTop2Config>("gshard_top_2", gshard_top_2),
      maker<StMoeConfig>("st_moe", st_moe),
      maker<DSelectKGate, DSelectKConfig>("dselect_k"),
      maker<DSelectKGate, DSelectKStaticConfig>("dselect_k_static"),
      maker<SoftmaxGate, SoftmaxConfig>("softmax"),
      maker<ExpertChoiceGate, ExpertChoiceConfig>("expert_choice"),
      maker<SinkhornGate, SinkhornConfig>("sinkhorn"),
      maker<BaseGate, BaseConfig>("base"),
      maker<HashConfig>("hash",
                        [](const auto& config, const GateSize& size, const Initializer& init) {
                          return std::make_shared<HashGate>(config, size.vocabulary, size.experts, init);
                        }),
      maker<RoundRobinGate, RoundRobinConfig>("round_robin"),
      maker<BiasBalancedGate, BiasBalancedConfig>("bias_balanced"),
      maker<ReluGate, ReluConfig>("relu"),
      maker<HierarchicalConfig>("hierarchical",
                                [](const auto& config, const GateSize& size, const Initializer& init) {
                                  return std::make_shared<HierarchicalGate>(config, size, init);
                                }),
  };
  return list;
}

std::shared_ptr<Gate> make_gate(const KindChoice& gate, const GateSize& size,
                                const Initializer& init) {
  for (const auto& maker : gate_makers()) {
    if (maker.kind == gate.kind) {
      return maker.make(gate_config(gate), size, init);
    }
  }
  TORCH_CHECK(false, "gate kind '", gate.kind, "' is in gate_kinds() but not in gate_makers()");
}

}  // namespace moe

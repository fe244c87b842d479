// The explicit list of gates, torch half. A new gate adds its line here and in gate_kinds.cpp.
#include "gates/gate_list.h"

#include "gates/dselect_k_gate.h"
#include "gates/round_robin_gate.h"
#include "gates/softmax_gate.h"
#include "gates/top_k_gate.h"
#include "gates/top_k_presets_config.h"

namespace moe {

template <class Config, class Make>
static GateMaker maker(const char* kind, Make make) {
  return {kind, [make](const GateConfig& config, int64_t d_model, int64_t experts,
                       const Initializer& init) -> std::shared_ptr<Gate> {
            return make(static_cast<const Config&>(config), d_model, experts, init);
          }};
}

template <class Class, class Config>
static std::shared_ptr<Gate> plain(const Config& config, int64_t D, int64_t E,
                                   const Initializer& init) {
  return std::make_shared<Class>(config, D, E, init);
}

static std::shared_ptr<Gate> preset(const TopKPreset& config, int64_t D, int64_t E,
                                    const Initializer& init) {
  return std::make_shared<TopKGate>(config.expand(), D, E, init);
}

std::vector<GateMaker>& gate_makers() {
  static std::vector<GateMaker> list = {
      maker<TopKConfig>("top_k", plain<TopKGate, TopKConfig>),
      maker<SwitchConfig>("switch", preset),
      maker<MixtralConfig>("mixtral", preset),
      maker<DSelectKConfig>("dselect_k", plain<DSelectKGate, DSelectKConfig>),
      maker<SoftmaxConfig>("softmax", plain<SoftmaxGate, SoftmaxConfig>),
      maker<DSelectKStaticConfig>("dselect_k_static", plain<DSelectKGate, DSelectKStaticConfig>),
      maker<RoundRobinConfig>("round_robin",
                              [](const RoundRobinConfig& config, int64_t, int64_t E,
                                 const Initializer&) { return std::make_shared<RoundRobinGate>(config, E); }),
  };
  return list;
}

std::shared_ptr<Gate> make_gate(const KindChoice& gate, int64_t d_model, int64_t experts,
                                const Initializer& init) {
  for (const auto& maker : gate_makers()) {
    if (maker.kind == gate.kind) {
      return maker.make(gate_config(gate), d_model, experts, init);
    }
  }
  TORCH_CHECK(false, "gate kind '", gate.kind, "' is in gate_kinds() but not in gate_makers()");
}

}  // namespace moe

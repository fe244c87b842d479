// The explicit list of gates, torch-free half. A new gate adds its line here and in gate_list.cpp.
#include "gates/dselect_k_config.h"
#include "gates/gate_config.h"
#include "gates/round_robin_config.h"
#include "gates/softmax_config.h"
#include "gates/top_k_config.h"
#include "gates/top_k_presets_config.h"

namespace moe {

template <class Config>
static Kind kind(const char* name, const char* help) {
  return {name, help, [] { return std::make_shared<Config>(); }};
}

KindList& gate_kinds() {
  static KindList list = {
      kind<TopKConfig>("top_k", "softmax and the k largest (Shazeer 2017, Mixtral, OLMoE)"),
      kind<SwitchConfig>("switch", "top-1 with capacity and input jitter (Fedus 2021)"),
      kind<MixtralConfig>("mixtral", "top-2, renormalised, dropless (Jiang 2024)"),
      kind<DSelectKConfig>("dselect_k", "k differentiable selectors of one expert (Hazimeh 2021)"),
      kind<SoftmaxConfig>("softmax", "every expert on every token: the dense mixture (Jacobs 1991)"),
      kind<DSelectKStaticConfig>("dselect_k_static",
                                 "the same, one choice for all tokens (Hazimeh 2021, section 3)"),
      kind<RoundRobinConfig>("round_robin", "by position, nothing learned: a baseline"),
  };
  return list;
}

}  // namespace moe

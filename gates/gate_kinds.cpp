// The explicit list of gates, torch-free half. A new gate adds its line here and in gate_list.cpp.
#include "gates/bias_balanced_config.h"
#include "gates/dselect_k_config.h"
#include "gates/gate_config.h"
#include "gates/hash_config.h"
#include "gates/expert_choice_config.h"
#include "gates/base_config.h"
#include "gates/sinkhorn_config.h"
#include "gates/hierarchical_config.h"
#include "gates/relu_config.h"
#include "gates/gshard_top_2_config.h"
#include "gates/noisy_top_k_config.h"
#include "gates/round_robin_config.h"
#include "gates/softmax_config.h"
#include "gates/st_moe_config.h"
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
      kind<NoisyTopKConfig>("noisy_top_k", "learned noise on the logits, even load (Shazeer 2017)"),
      kind<GshardTop2Config>("gshard_top_2", "top-2, the second at random (Lepikhin 2020)"),
      kind<StMoeConfig>("st_moe", "top-2 with z-loss, the second where it counts (Zoph 2022)"),
      kind<DSelectKConfig>("dselect_k", "k differentiable selectors of one expert (Hazimeh 2021)"),
      kind<DSelectKStaticConfig>("dselect_k_static",
                                 "the same, one choice for all tokens (Hazimeh 2021, section 3)"),
      kind<SoftmaxConfig>("softmax", "every expert on every token: the dense mixture (Jacobs 1991)"),
      kind<ExpertChoiceConfig>("expert_choice", "experts choose tokens; looks ahead (Zhou 2022)"),
      kind<SinkhornConfig>("sinkhorn", "top-k of balanced logits; training looks ahead (Clark 2022)"),
      kind<BaseConfig>("base", "balanced assignment; training looks ahead (BASE, Lewis 2021)"),
      kind<HashConfig>("hash", "by token id, nothing learned (Roller 2021)"),
      kind<RoundRobinConfig>("round_robin", "by position, nothing learned: a baseline"),
      kind<BiasBalancedConfig>("bias_balanced", "a bias in the choice balances (Wang 2024, DeepSeek-V3)"),
      kind<ReluConfig>("relu", "positive logits, made sparse by an adaptive L1 (ReMoE, Wang 2024)"),
      // The last, so that the reference of keys explains the kinds of its levels before.
      kind<HierarchicalConfig>("hierarchical", "groups, then experts in them (Shazeer 2017, appendix B)"),
  };
  return list;
}

}  // namespace moe

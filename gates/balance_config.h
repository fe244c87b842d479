// Options of gates that keep the load even by losses on their logits: a member of a gate's config,
// whose fields stand among its own. Used through gates/top_k_choice.h.
#pragma once

#include <string>

#include "configs/fields.h"

namespace moe {

struct BalanceOptions {
  double load_balancing = 0.01;  // coefficient of load_balancing_loss
  std::string balance_scope = "world";
  double z_loss = 0;             // coefficient of z_loss

  // GateConfig's: `micro_batch` is the tokens of one rank.
  bool same_on_every_layout() const { return balance_scope != "micro_batch"; }
  // The help says which choices the gate counts.
  void fields(Fields& f, const char* load_balancing_help);
};

}  // namespace moe

// Section `model.moe`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "configs/fields.h"
#include "gates/gate_config.h"

namespace moe {

struct MoeConfig {
  int64_t experts = 8;
  std::optional<int64_t> d_hidden;  // auto: active_width / k
  std::string dispatch = "auto";
  bool allow_future_leak = false;
  KindChoice gate{gate_kinds(), "top_k"};

  // F, the width of one expert, in a model of this active width.
  int64_t expert_width(int64_t active_width) const;
  void fields(Fields& f);
  // Rules that need the decoder's active width.
  void check(Rules& rules, int64_t active_width) const;
};

}  // namespace moe

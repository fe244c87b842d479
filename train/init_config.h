// Section `init`: the values that a new run begins with.
#pragma once

#include <string>

#include "configs/fields.h"

namespace moe {

struct InitConfig {
  std::string from;           // a checkpoint's folder, or a run's; empty: first values of one's own
  std::string gate = "keep";

  bool given() const { return !from.empty(); }
  void fields(Fields& f);
  void check(Rules& rules) const;
};

}  // namespace moe

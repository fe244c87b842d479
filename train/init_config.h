// Section `init`: the values that a new run begins with.
#pragma once

#include <string>
#include <vector>

#include "configs/fields.h"

namespace moe {

struct InitConfig {
  std::string from;           // a checkpoint's folder, or a run's; empty: first values of one's own
  std::string gate = "keep";
  std::string optimizer = "fresh";
  bool upcycle = false;           // experts from a dense checkpoint's feed-forwards
  std::vector<std::string> take;  // sections that are the checkpoint's (train/run_config_file.h); then empty

  bool given() const { return !from.empty(); }
  // Whether the gates begin anew: a dense checkpoint has none to keep.
  bool fresh_gate() const { return upcycle || gate == "fresh"; }
  void fields(Fields& f);
  void check(Rules& rules) const;
};

}  // namespace moe

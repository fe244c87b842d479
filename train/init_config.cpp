#include "train/init_config.h"

namespace moe {

void InitConfig::fields(Fields& f) {
  f("from", from,
    "checkpoint whose parameters a new run begins with, or a run's folder: its newest good one; "
    "empty: random first values");
  f("gate", gate,
    "with `from`: `keep` the checkpoint's gates, or begin with `fresh` ones, of any kind",
    one_of({"keep", "fresh"}));
}

void InitConfig::check(Rules& rules) const {
  rules.require(given() || gate == "keep", "gate",
                "'fresh' leaves a checkpoint's gates out, and init.from names no checkpoint: set it, "
                "or take init.gate out");
}

}  // namespace moe

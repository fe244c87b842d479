#include "train/init_config.h"

#include <algorithm>

namespace moe {

void InitConfig::fields(Fields& f) {
  f("from", from,
    "checkpoint whose parameters a new run begins with, or a run's folder: its newest good one; "
    "empty: random first values");
  f("gate", gate,
    "with `from`: `keep` the checkpoint's gates, or begin with `fresh` ones, of any kind",
    one_of({"keep", "fresh"}));
  f("optimizer", optimizer,
    "with `from`: begin with `fresh` moments, or `keep` the checkpoint's and its count of steps, as far as "
    "its parameters are taken over",
    one_of({"fresh", "keep"}));
  f("upcycle", upcycle,
    "make every expert from the feed-forward of a dense checkpoint, under fresh gates (sparse upcycling)");
  f("take", take,
    "sections that are the checkpoint's, `model` and `data`, instead of what this file says of them; "
    "overrides apply to them");
}

void InitConfig::check(Rules& rules) const {
  rules.require(given() || gate == "keep", "gate",
                "'fresh' leaves a checkpoint's gates out, and init.from names no checkpoint: set it, "
                "or take init.gate out");
  rules.require(given() || optimizer == "fresh", "optimizer",
                "'keep' goes on with a checkpoint's moments, and init.from names no checkpoint: set it, or take "
                "init.optimizer out");
  rules.require(given() || !upcycle, "upcycle",
                "makes experts from a checkpoint's feed-forwards, and init.from names no checkpoint: set it, or "
                "take init.upcycle out");
  rules.require(!upcycle || optimizer == "fresh", "optimizer",
                "'keep' with init.upcycle: the moments of one feed-forward are not those of the experts made "
                "from it: set init.optimizer=fresh");
  rules.require(given() || take.empty(), "take",
                "takes sections from a checkpoint, and init.from names none: set init.from=CHECKPOINT, a "
                "checkpoint's folder or a run's");
  for (size_t i = 0; i < take.size(); ++i) {
    rules.require(take[i] == "model" || take[i] == "data", "take",
                  "expected model or data, found '" + take[i] + "'");
    rules.require(std::find(take.begin(), take.begin() + static_cast<std::ptrdiff_t>(i), take[i]) ==
                      take.begin() + static_cast<std::ptrdiff_t>(i),
                  "take", "each section once, found '" + take[i] + "' twice");
  }
}

}  // namespace moe

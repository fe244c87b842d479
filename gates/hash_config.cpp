#include "gates/hash_config.h"

namespace moe {

GateAbout HashConfig::about() const {
  return {"Roller et al. 2021, arXiv 2106.04426, section 3.1", "k", {}, {"table"}, ""};
}

void HashConfig::fields(Fields& f) {
  f("k", k, "experts of a token id, each with weight 1 / k", between(1, 1024));
  f("table", table,
    "`random`: the published one, drawn as Python's random does; `balanced`: the most frequent ids "
    "first, each to the expert with the smallest share of the text so far",
    one_of({"random", "balanced"}));
  f("seed", seed, "of the random table", at_least(0));
  f("frequencies", frequencies,
    "for the balanced table, a text file of lines `ID COUNT`. Of bytes: `od -An -v -tu1 -w1 TEXT | sort "
    "-n | uniq -c | awk '{print $2, $1}' > FILE`. Read when a run begins or goes on; other commands take the table from the checkpoint");
}

void HashConfig::check(Rules& rules) const {
  rules.require(table != "balanced" || !frequencies.empty(), "frequencies",
                "table: balanced needs a file that says how often each token id occurs; give one, or "
                "set table to random");
  rules.require(table == "balanced" || frequencies.empty(), "frequencies",
                "is for table: balanced alone, and table is random: leave it out, or change the table");
}

}  // namespace moe

#include "gates/top_2_config.h"

namespace moe {

void Top2Options::fields(Fields& f) {
  f("second", second,
    "tokens that use their second expert, g2 being its share of g1 + g2: `all`; in training at `random` "
    "with probability g2 / second_threshold, elsewhere all; those above the `threshold`, always",
    one_of({"all", "random", "threshold"}));
  f("second_threshold", second_threshold, "see `second`; 0.5 is GShard's 2 g2", above(0));
  f("renormalize", renormalize,
    "weights are divided by g1 + g2 `before_drop`, or by the sum of what policy and capacity left "
    "(`after_drop`), or not (`none`)",
    one_of({"none", "before_drop", "after_drop"}));
  capacity.fields(f);
  learned.fields(f);
  balance.fields(f,
                 "coefficient of experts * sum_e f_e P_e, f counting first choices; 1 at perfect "
                 "balance");
}

}  // namespace moe

// The explicit list of objectives.
#include "data/objectives_config.h"

namespace moe {

KindList& objective_kinds() {
  static KindList list = {
      {"causal", "the next token", [] { return std::make_shared<CausalObjective>(); }},
      {"prefix", "a text's rest from its beginning, which sees itself whole (prefix language model)",
       [] { return std::make_shared<PrefixObjective>(); }},
      {"span_corruption", "spans cut out of a text (T5)", [] { return std::make_shared<SpanCorruptionObjective>(); }},
      {"ul2", "a mixture of denoisers (UL2, UL2R)", [] { return std::make_shared<Ul2Objective>(); }}};
  return list;
}

}  // namespace moe

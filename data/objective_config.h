// Section `objective`: what is predicted from what.
//
//   causal           the next token, from those before it
//   prefix           a text's second part from its first, which sees itself whole (prefix language model)
//   span_corruption  spans cut out of a text, from the rest (T5)
//   ul2              a mixture of these (UL2, Tay et al. 2022, arXiv 2205.05131; UL2R, arXiv 2210.11399)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "configs/fields.h"
#include "data/special_ids.h"

namespace moe {

// One denoiser of a mixture.
struct DenoiserConfig {
  std::string kind = "span_corruption";
  double mean_span = 3;  // tokens
  double rate = 0.15;    // share of the text's tokens that is cut out
  double weight = 1;
  std::string mode = "none";

  void fields(Fields& f);
};

class ObjectiveConfig : public KindConfig {
 public:
  // Of which rows are made, under the names that metrics have; empty: plain causal rows.
  virtual NamedSections<DenoiserConfig> denoisers() const = 0;
  // Sentinels that may be used; none: all that the vocabulary sets aside.
  virtual std::optional<int64_t> sentinels() const { return std::nullopt; }
  // Whether the inputs of `prefix` end with a sentinel (UL2's released checkpoint) or with text alone (T5).
  virtual bool sentinel_at_split() const { return false; }
};

// The explicit list.
KindList& objective_kinds();

inline const ObjectiveConfig& objective_config(const KindChoice& objective) {
  return static_cast<const ObjectiveConfig&>(*objective.config);
}

// The vocabulary's own, with as many sentinels as the objective may use.
SpecialIds special_ids_for(const ObjectiveConfig& objective, const SpecialIds& vocabulary);

// "objective ul2: s 50 %, r_3_15 25 %, ..."; "" for plain causal rows.
std::string describe_objective(const KindChoice& objective);

// Rules that need the row and the vocabulary: text and sentinels enough for every denoiser. Keys get "objective." in
// front. `vocabulary` names it in messages ("byte").
void check_objective(Rules& rules, const KindChoice& objective, int64_t context, const SpecialIds& special,
                     const std::string& vocabulary);

}  // namespace moe

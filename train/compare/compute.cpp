#include "train/compare/compute.h"

#include "configs/errors.h"
#include "configs/suggest.h"

namespace moe {

double six_n_d(double parameters, double tokens) { return 6 * parameters * tokens; }

double savings_ratio(double baseline_cost, double candidate_cost) { return baseline_cost / candidate_cost; }

double saved_share(double ratio) { return 1 - 1 / ratio; }

double ratio_of_saving(double saved, double whole) { return whole / (whole - saved); }

AttentionFlops attention_flops(const std::string& word) {
  for (const auto convention : {AttentionFlops::kWith, AttentionFlops::kWithout}) {
    if (word == attention_flops_word(convention)) {
      return convention;
    }
  }
  throw ConfigError("--flops: expected with_attention or without_attention, found '" + word + "'" +
                    did_you_mean(word, {"with_attention", "without_attention"}));
}

const char* attention_flops_word(AttentionFlops convention) {
  return convention == AttentionFlops::kWith ? "with_attention" : "without_attention";
}

std::string flops_formula(AttentionFlops convention) {
  const std::string common = "3 x forward (backward is twice forward) of every token that was trained on: live "
                             "slots of experts, output head in, embedding look-ups out, ";
  return common + (convention == AttentionFlops::kWith
                       ? "attention's scores and mixing in, by the pairs of tokens that see each other"
                       : "attention's scores and mixing out");
}

}  // namespace moe

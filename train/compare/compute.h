// What training costs by the formulas that papers use, and how two costs compare.
#pragma once

#include <string>

namespace moe {

// 6 N D: per parameter and token two operations forward and four backward, attention's scores and mixing left
// out (Kaplan et al. 2020, arXiv 2001.08361, section 2.1). Papers put nominal sizes in.
double six_n_d(double parameters, double tokens);

// How many times the candidate's cost the baseline's is, both at one quality.
double savings_ratio(double baseline_cost, double candidate_cost);

// The share of the baseline's cost that such a ratio saves, 1 - 1 / ratio; below 0 where it costs more.
double saved_share(double ratio);

// The ratio of who saves this much of the whole cost.
double ratio_of_saving(double saved, double whole);

// moe-compare --flops: whether attention's scores and mixing count.
enum class AttentionFlops { kWith, kWithout };
// "with_attention", "without_attention"; else ConfigError.
AttentionFlops attention_flops(const std::string& word);
const char* attention_flops_word(AttentionFlops convention);

// What the training FLOPs of metrics.jsonl are by this convention: a sentence for reports.
std::string flops_formula(AttentionFlops convention);

}  // namespace moe

#include "data/objectives_config.h"

#include <cmath>

#include "configs/scalar.h"
#include "data/objectives/span_counts.h"

namespace moe {
namespace {

OneOf modes() {
  auto words = mode_words();
  words.insert(words.begin(), "none");
  return one_of(words);
}

Range rates() {
  Range range = above(0);
  range.high = 1;
  range.high_open = true;
  return range;
}

constexpr const char* kModeHelp =
    "mode token before the inputs: `nlu` (regular denoising), `s2s` (sequential) or `nlg` (extreme), as UL2 names "
    "them";
constexpr const char* kMeanHelp = "mean length of a span, in tokens";
constexpr const char* kRateHelp = "share of a text's tokens that is cut out";
constexpr const char* kSentinelsHelp =
    "use the vocabulary's last so many ids as sentinels (U-PaLM: 100); auto: all that it sets aside";
constexpr const char* kSplitHelp =
    "end a prefix's inputs with a sentinel, as UL2's released checkpoint has it; T5 and U-PaLM do not";

std::string per_cent(double share) { return std::to_string(static_cast<int>(std::lround(share * 100))); }

// "r_3_15": group, mean span and rate in per cent.
std::pair<std::string, DenoiserConfig> spans(const std::string& group, double mean_span, double rate, double weight,
                                             const std::string& mode) {
  const auto name = group + "_" + std::to_string(static_cast<int>(mean_span)) + "_" + per_cent(rate);
  return {name, {"span_corruption", mean_span, rate, weight, mode}};
}

// Tay et al. 2022, arXiv 2205.05131, table 1: seven denoisers of equal weight.
NamedSections<DenoiserConfig> ul2_mixture() {
  return {spans("r", 3, 0.15, 1, "nlu"), spans("r", 8, 0.15, 1, "nlu"),
          {"s", {"prefix", 3, 0.15, 1, "s2s"}},
          spans("x", 3, 0.5, 1, "nlg"), spans("x", 8, 0.5, 1, "nlg"),
          spans("x", 64, 0.15, 1, "nlg"), spans("x", 64, 0.5, 1, "nlg")};
}

// Tay et al. 2022, arXiv 2210.11399, section 3: half S, a quarter R, a quarter X, "mean span 32 or rate up to a
// half"; what X's quarter is made of is not published, and is halved here.
NamedSections<DenoiserConfig> ul2r_mixture() {
  return {{"s", {"prefix", 3, 0.15, 0.5, "s2s"}},
          spans("r", 3, 0.15, 0.25, "nlu"),
          spans("x", 32, 0.15, 0.125, "nlg"),
          spans("x", 32, 0.5, 0.125, "nlg")};
}

}  // namespace

void DenoiserConfig::fields(Fields& f) {
  f("kind", kind, "what is cut out: spans, or (`prefix`) all from a place on; `causal` rows are plain text",
    one_of({"span_corruption", "prefix", "causal"}));
  f("mean_span", mean_span, "of span_corruption: mean length of a span, in tokens", at_least(1));
  f("rate", rate, "of span_corruption: share of a text's tokens that is cut out", rates());
  f("weight", weight, "its share of the rows is this over the sum of all weights", above(0));
  f("mode", mode, kModeHelp, modes());
}

void PrefixObjective::fields(Fields& f) {
  f("mode", mode, kModeHelp, modes());
  f("sentinel_at_split", split_sentinel, kSplitHelp);
}

NamedSections<DenoiserConfig> PrefixObjective::denoisers() const {
  return {{"prefix", {"prefix", 3, 0.15, 1, mode}}};
}

void SpanCorruptionObjective::fields(Fields& f) {
  f("mean_span", denoiser.mean_span, kMeanHelp, at_least(1));
  f("rate", denoiser.rate, kRateHelp, rates());
  f("mode", denoiser.mode, kModeHelp, modes());
  f("sentinels", most_sentinels, kSentinelsHelp, at_least(1));
}

void Ul2Objective::fields(Fields& f) {
  f("mixture", mixture,
    "`ul2`: seven denoisers of equal weight; `ul2r`: 50 % S, 25 % R, 25 % X; `own`: those of `denoisers`",
    one_of({"ul2", "ul2r", "own"}));
  f.sections("denoisers", own, "with mixture=own: what rows are made of");
  f("sentinels", most_sentinels, kSentinelsHelp, at_least(1));
  f("sentinel_at_split", split_sentinel, kSplitHelp);
}

void Ul2Objective::check(Rules& rules) const {
  rules.require(own.empty() || mixture == "own", "mixture",
                "must be 'own' where `denoisers` are given, found '" + mixture + "'");
  rules.require(!own.empty() || mixture != "own", "denoisers",
                "mixture=own needs denoisers, such as {r: {mean_span: 3, rate: 0.15, weight: 1}}; found none");
  for (const auto& [name, denoiser] : own) {
    rules.require(denoiser.kind != "causal" || denoiser.mode == "none", "denoisers." + name + ".mode",
                  "must be 'none' for kind causal, whose rows are plain text; found '" + denoiser.mode + "'");
    rules.require(name != "causal" || denoiser.kind == "causal", "denoisers." + name,
                  "the name 'causal' is that of the causal loss in metrics: choose another");
  }
}

NamedSections<DenoiserConfig> Ul2Objective::denoisers() const {
  return mixture == "ul2" ? ul2_mixture() : mixture == "ul2r" ? ul2r_mixture() : own;
}

SpecialIds special_ids_for(const ObjectiveConfig& objective, const SpecialIds& vocabulary) {
  auto special = vocabulary;
  special.sentinels = objective.sentinels().value_or(vocabulary.sentinels);
  return special;
}

std::string describe_objective(const KindChoice& objective) {
  const auto denoisers = objective_config(objective).denoisers();
  double weights = 0;
  for (const auto& [name, denoiser] : denoisers) weights += denoiser.weight;
  std::string text;
  for (const auto& [name, denoiser] : denoisers) {
    text += (text.empty() ? "objective " + objective.kind + ": rows of " : ", ") + name + " " +
            number_text(std::round(1000 * denoiser.weight / weights) / 10) + " %";
  }
  return text;
}

void check_objective(Rules& rules, const KindChoice& objective, int64_t context, const SpecialIds& vocabulary,
                     const std::string& name_of_vocabulary) {
  struct Section {
    const KindChoice& objective;
    void check(Rules& r) const { objective.check(r); }
  };
  rules.section("objective", Section{objective});
  const auto& config = objective_config(objective);
  const auto special = special_ids_for(config, vocabulary);
  rules.require(special.sentinels <= vocabulary.sentinels, "objective.sentinels",
                "the vocabulary '" + name_of_vocabulary + "' sets " + std::to_string(vocabulary.sentinels) +
                    " ids aside for sentinels, found " + std::to_string(special.sentinels));
  for (const auto& [name, denoiser] : config.denoisers()) {
    if (denoiser.kind == "causal") continue;
    const std::string key = objective.kind == "ul2" ? "objective.denoisers." + name : "objective.kind";
    rules.require(denoiser.mode == "none" || special.mode(denoiser.mode) >= 0, key,
                  "mode '" + denoiser.mode + "' has no id in the vocabulary '" + name_of_vocabulary +
                      "': set the mode to none");
    const int64_t text = longest_example_text(denoiser, config.sentinel_at_split(), context + 1);
    rules.require(text >= 2, key,
                  "no text of two tokens fits into model.context " + std::to_string(context) +
                      " with its mode token, its sentinels and its ends: raise model.context");
    if (denoiser.kind != "span_corruption" || text < 2) continue;
    const int64_t need = span_counts(text, denoiser.rate, denoiser.mean_span).spans;
    rules.require(need <= special.sentinels, key,
                  "mean span " + number_text(denoiser.mean_span) + " at rate " + number_text(denoiser.rate) + " needs " + std::to_string(need) +
                      " sentinels in a window of " + std::to_string(context) + " tokens, and there are " +
                      std::to_string(special.sentinels) +
                      ": raise the mean span, or lower the rate or model.context");
  }
}

}  // namespace moe

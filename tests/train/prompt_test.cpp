// How a model is asked, from what it was trained for.
#include "train/prompt.h"

#include <gmock/gmock.h>

#include "configs/errors.h"
#include "data/byte_tokenizer.h"
#include "tests/support/temp_dir.h"

namespace moe {
namespace {

using testing::ElementsAre;

constexpr int64_t kLastId = 511, kNlu = 257, kS2s = 258, kNlg = 259;

struct Objective : ObjectiveConfig {
  NamedSections<DenoiserConfig> all;
  bool split = false;

  NamedSections<DenoiserConfig> denoisers() const override { return all; }
  bool sentinel_at_split() const override { return split; }
};

DenoiserConfig denoiser(const std::string& kind, const std::string& mode) {
  DenoiserConfig config;
  config.kind = kind;
  config.mode = mode;
  return config;
}

Objective mixture() {
  Objective objective;
  objective.all = {{"plain", denoiser("causal", "none")},
                   {"r", denoiser("span_corruption", "nlu")},
                   {"s", denoiser("prefix", "s2s")},
                   {"x", denoiser("span_corruption", "nlg")}};
  return objective;
}

// "mode, attention": as the words and the objective have it.
std::string form(const ObjectiveConfig& objective, const std::string& attention, const std::string& mode) {
  const auto found = prompt_form(objective, attention, mode);
  return found.mode + ", " + (found.bidirectional ? "bidirectional" : "causal") + (found.sentinel ? ", sentinel" : "");
}

TEST(PromptForm, FollowsTheObjectiveWhereTheWordsLeaveItOpen) {
  const Objective causal;
  EXPECT_EQ(form(causal, "auto", "auto"), "none, causal");
  EXPECT_EQ(form(causal, "bidirectional", "auto"), "none, bidirectional");
  EXPECT_EQ(form(causal, "auto", "nlg"), "nlg, causal");
  EXPECT_EQ(form(mixture(), "auto", "auto"), "s2s, bidirectional");
  EXPECT_EQ(form(mixture(), "causal", "auto"), "none, causal");
  EXPECT_EQ(form(mixture(), "auto", "none"), "none, bidirectional");
  EXPECT_EQ(form(mixture(), "causal", "nlu"), "nlu, causal");
  Objective spans;
  spans.all = {{"r", denoiser("span_corruption", "nlu")}};
  EXPECT_EQ(form(spans, "auto", "auto"), "none, bidirectional");
  Objective plain;
  plain.all = {{"plain", denoiser("causal", "none")}};
  EXPECT_EQ(form(plain, "auto", "auto"), "none, causal");
}

TEST(PromptForm, EndsWithASentinelWherePrefixesDid) {
  auto objective = mixture();
  objective.split = true;
  EXPECT_EQ(form(objective, "auto", "auto"), "s2s, bidirectional, sentinel");
  EXPECT_EQ(form(objective, "causal", "auto"), "none, causal");
}

TEST(PromptForm, BlanksAreFilledInTheModeOfTheFirstSpanCorruption) {
  EXPECT_EQ(infill_mode(mixture(), "auto"), "nlu");
  EXPECT_EQ(infill_mode(mixture(), "nlg"), "nlg");
  EXPECT_EQ(infill_mode(mixture(), "none"), "none");
  EXPECT_EQ(infill_mode(Objective(), "auto"), "none");
}

// The published mixture, under the names of the list.
TEST(PromptForm, OfUl2r) {
  const KindChoice ul2(objective_kinds(), "ul2");
  EXPECT_EQ(form(objective_config(ul2), "auto", "auto"), "s2s, bidirectional");
  EXPECT_EQ(infill_mode(objective_config(ul2), "auto"), "nlu");
  const KindChoice causal(objective_kinds(), "causal");
  EXPECT_EQ(form(objective_config(causal), "auto", "auto"), "none, causal");
}

TEST(GivenPrompt, IsModeTextAndSentinel) {
  const ByteTokenizer tokenizer;
  const auto ids = [&](const std::string& text, const PromptForm& asked) {
    return given_prompt(tokenizer, text, asked).ids;
  };
  EXPECT_THAT(ids("ab", {"none", false, false}), ElementsAre('a', 'b'));
  EXPECT_THAT(ids("ab", {"s2s", true, true}), ElementsAre(kS2s, 'a', 'b', kLastId));
  EXPECT_THAT(ids("", {"none", false, false}), ElementsAre(ByteTokenizer::kEnd));
  EXPECT_THAT(ids("", {"nlu", true, false}), ElementsAre(kNlu, ByteTokenizer::kEnd));
  EXPECT_EQ(given_prompt(tokenizer, "ab", {"none", false, false}).prefix, 0);
  EXPECT_EQ(given_prompt(tokenizer, "ab", {"nlg", true, true}).prefix, 4);
  EXPECT_THAT(mode_ids(tokenizer, "nlg"), ElementsAre(kNlg));
}

// As a vocabulary that sets nothing aside.
struct WithoutModes : ByteTokenizer {
  SpecialIds special_ids() const override { return SpecialIds::last_of(kVocabulary, 100, kEnd); }
};

TEST(GivenPrompt, AModeWithoutATokenIsNamed) {
  EXPECT_TRUE(mode_ids(WithoutModes(), "none").empty());
  EXPECT_EQ(message_of<ConfigError>([] { mode_ids(WithoutModes(), "nlg"); }),
            "mode: expected none, or one of nlu, s2s, nlg that the vocabulary has a token for, found 'nlg'; "
            "take --mode none");
}

}  // namespace
}  // namespace moe

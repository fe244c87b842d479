#include "data/objectives_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/config_io.h"
#include "data/byte_tokenizer.h"
#include "tests/support/temp_dir.h"

namespace moe {
namespace {

using testing::HasSubstr;

struct Section {
  KindChoice objective{objective_kinds(), "causal"};
  int64_t context = 256;
  void fields(Fields& f) {
    f("context", context, "tokens");
    f("objective", objective, "what is predicted");
  }
  void check(Rules& rules) const { check_objective(rules, objective, context, ByteTokenizer::ids(), "byte"); }
};

std::string error_of(const std::string& yaml) {
  return message_of<ConfigError>([&] { parse_config<Section>(yaml); });
}

TEST(ObjectiveConfig, ReadsAndPrints) {
  for (const std::string yaml :
       {"objective: causal", "objective: {kind: prefix, mode: s2s}", "objective: {kind: ul2, mixture: ul2}",
        "objective: {kind: span_corruption, mean_span: 8, rate: 0.5, sentinels: 100}",
        "objective: {kind: ul2, mixture: own, denoisers: {r: {mean_span: 4, weight: 2, mode: nlu}, s: {kind: prefix}, "
        "c: {kind: causal}}}"}) {
    auto config = parse_config<Section>(yaml);
    const auto printed = print_config(view_of(config));
    auto again = parse_config<Section>(printed);
    EXPECT_EQ(print_config(view_of(again)), printed);
  }
}

TEST(ObjectiveConfig, MixturesAreThePublishedOnes) {
  const auto denoisers = [](const std::string& yaml) {
    auto config = parse_config<Section>(yaml);
    return objective_config(config.objective).denoisers();
  };
  EXPECT_EQ(denoisers("objective: {kind: ul2, mixture: ul2}").size(), 7u);
  double s = 0, r = 0, x = 0;
  for (const auto& [name, denoiser] : denoisers("objective: ul2")) {
    (denoiser.mode == "s2s" ? s : denoiser.mode == "nlu" ? r : x) += denoiser.weight;
  }
  EXPECT_EQ(s, 0.5);
  EXPECT_EQ(r, 0.25);
  EXPECT_EQ(x, 0.25);
  EXPECT_TRUE(denoisers("objective: causal").empty());
}

TEST(ObjectiveConfig, RefusesMoreSentinelsThanThereAre) {
  EXPECT_EQ(error_of("{context: 2048, objective: {kind: span_corruption, mean_span: 3, rate: 0.5}}"),
            "config:1:29: objective.kind: mean span 3 at rate 0.5 needs 256 sentinels in a window of 2048 tokens, and "
            "there are 252: raise the mean span, or lower the rate or model.context");
  EXPECT_THAT(error_of("{context: 2048, objective: {kind: ul2, mixture: ul2}}"), HasSubstr("needs 256 sentinels"));
  EXPECT_NO_THROW(parse_config<Section>("{context: 2048, objective: {kind: span_corruption, mean_span: 8, rate: 0.5}}"));
  EXPECT_THAT(error_of("{context: 2048, objective: {kind: span_corruption, mean_span: 8, rate: 0.5, sentinels: 100}}"),
              HasSubstr("needs 114 sentinels in a window of 2048 tokens, and there are 100"));
  // One sentinel's worth of text fits less since cut text has an end of its own.
  const std::string most = "objective: {kind: span_corruption, mean_span: 3, rate: 0.5, mode: nlg, sentinels: 100}}";
  EXPECT_NO_THROW(parse_config<Section>("{context: 806, " + most));
  EXPECT_THAT(error_of("{context: 807, " + most), HasSubstr("needs 101 sentinels"));
  EXPECT_THAT(error_of("{objective: {kind: ul2, sentinels: 253}}"),
              HasSubstr("the vocabulary 'byte' sets 252 ids aside for sentinels, found 253"));
}

TEST(ObjectiveConfig, RefusesWhatCannotBe) {
  EXPECT_THAT(error_of("objective: {kind: causal, mean_span: 3}"), HasSubstr("span_corruption"));
  EXPECT_THAT(error_of("objective: {kind: ul2, mixture: own}"), HasSubstr("mixture=own needs denoisers"));
  EXPECT_THAT(error_of("objective: {kind: ul2, denoisers: {r: {}}}"),
              HasSubstr("must be 'own' where `denoisers` are given, found 'ul2r'"));
  EXPECT_THAT(error_of("objective: {kind: span_corruption, rate: 1}"), HasSubstr("rate"));
  EXPECT_THAT(error_of("objective: {kind: span_corruption, mean_span: 0.5}"), HasSubstr("mean_span"));
  EXPECT_THAT(error_of("objective: {kind: ul2, mixture: own, denoisers: {c: {kind: causal, mode: nlu}}}"),
              HasSubstr("must be 'none' for kind causal"));
  EXPECT_THAT(error_of("{context: 4, objective: span_corruption}"), HasSubstr("raise model.context"));
  EXPECT_THAT(error_of("{context: 5, objective: ul2}"), HasSubstr("raise model.context"));
}

}  // namespace
}  // namespace moe

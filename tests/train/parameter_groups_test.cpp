// optimizer.groups: what each parameter gets, what is refused, and that training keeps to it.
#include "train/parameter_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/errors.h"
#include "tests/support/tiny_trainer.h"

namespace moe {
namespace {

using ::testing::HasSubstr;

const std::vector<std::string> kNames = {
    "embedding",
    "layers.0.attention_norm.weight",
    "layers.0.attention.qkv",
    "layers.0.feed_forward.gate.weight",
    "layers.0.feed_forward.experts.gate_up",
    "norm.weight",
};

OptimizerConfig config_of(const std::string& groups) {
  struct Section {
    OptimizerConfig optimizer;
    void fields(Fields& f) { f.section("optimizer", optimizer, "AdamW"); }
    void check(Rules& rules) const { rules.section("optimizer", optimizer); }
  };
  return parse_config<Section>("optimizer: {weight_decay: 0.5, groups: {" + groups + "}}\n", "test")
      .optimizer;
}

std::vector<ParameterRule> rules_of(const std::string& groups) {
  return parameter_rules(config_of(groups), kNames);
}

TEST(ParameterGroups, WithoutAnyEverythingIsAlike) {
  EXPECT_EQ(rules_of(""), std::vector<ParameterRule>(6, {1, 0.5, false}));
}

TEST(ParameterGroups, GateAndExpertsKnowTheirParameters) {
  const auto rules = rules_of("gate: {lr: 0.1, weight_decay: 0}, experts: {freeze: true}");
  const ParameterRule rest = {1, 0.5, false};
  EXPECT_EQ(rules, (std::vector<ParameterRule>{
                       rest, rest, rest, {0.1, 0, false}, {1, 0.5, true}, rest}));
}

TEST(ParameterGroups, TheFirstThatFitsWins) {
  const auto rules = rules_of(
      "gate: {lr: 3}, layer: {match: 'layers.0.*', lr: 2}, norms: {match: ['*norm*'], lr: 5}");
  std::vector<double> lr;
  for (const auto& rule : rules) lr.push_back(rule.lr);
  EXPECT_EQ(lr, (std::vector<double>{1, 2, 2, 3, 2, 5}));
}

TEST(ParameterGroups, ADenseModelHasNoGateToSpeakOf) {
  const auto config = config_of("gate: {lr: 0.1}, experts: {freeze: true}");
  EXPECT_EQ(parameter_rules(config, {"embedding", "norm.weight"}),
            std::vector<ParameterRule>(2, {1, 0.5, false}));
}

TEST(ParameterGroups, APatternThatFitsNothingIsRefusedWithTheNearestName) {
  EXPECT_EQ(message_of<ConfigError>([] { rules_of("heads: {match: ['*.atention.*'], lr: 2}"); }),
            "optimizer.groups.heads.match: expected a pattern that fits a parameter's name, found "
            "'*.atention.*' (did you mean 'attention'?); names are made of embedding, layers, "
            "attention_norm, weight, attention, qkv, feed_forward, gate, experts, gate_up, norm, as in "
            "layers.0.feed_forward.gate.weight");
  EXPECT_THAT(message_of<ConfigError>([] { rules_of("x: {match: ['*', 'layers.7.*'], lr: 2}"); }),
              HasSubstr("found 'layers.7.*'; names"));
}

TEST(ParameterGroups, AGroupThatEarlierOnesLeaveNothingIsRefused) {
  EXPECT_THAT(message_of<ConfigError>([] { rules_of("a: {match: '*'}, b: {match: '*qkv', lr: 2}"); }),
              HasSubstr("optimizer.groups.b: the groups before it take all parameters"));
}

TEST(ParameterGroups, AllFrozenIsRefused) {
  EXPECT_THAT(message_of<ConfigError>([] { rules_of("a: {match: '*', freeze: true}"); }),
              HasSubstr("all parameters are frozen"));
}

TEST(ParameterGroups, ANameOfOnesOwnNeedsAMatch) {
  EXPECT_THAT(message_of<ConfigError>([] { config_of("heads: {freeze: true}"); }),
              HasSubstr("optimizer.groups.heads.match"));
}

// Values of every parameter, apart from the model.
std::map<std::string, Tensor> values_of(Trainer& trainer) {
  std::map<std::string, Tensor> values;
  for (const auto& [name, tensor] : trainer.weights().tensors()) {
    values[name] = tensor.detach().clone();
  }
  return values;
}

TEST(ParameterGroups, FrozenParametersStayAndHaveNoGradientNorMoments) {
  const TinyRun tiny;
  for (const std::string kind : {"top_k", "dselect_k", "switch"}) {
    for (const std::string group : {"gate", "experts"}) {
      const auto trainer = tiny_trainer(tiny_config(
          tiny, {"model.moe.gate.kind=" + kind, "optimizer.groups." + group + ".freeze=true"}));
      const auto before = values_of(*trainer);
      for (int i = 0; i < 3; ++i) EXPECT_EQ(trainer->step().verdict, Verdict::kGood);
      size_t frozen = 0;
      for (const auto& [name, tensor] : trainer->weights().tensors()) {
        const bool mine = name.find("." + group + ".") != std::string::npos;
        frozen += mine;
        EXPECT_EQ(at::equal(before.at(name), tensor), mine) << kind << " " << name;
        EXPECT_EQ(trainer->optimizer().frozen(name), mine);
        EXPECT_NE(tensor.requires_grad(), mine);
      }
      EXPECT_GT(frozen, 0u);
      for (const auto& part : trainer->optimizer().state()) {
        EXPECT_EQ(part.name.find("." + group + "."), std::string::npos) << part.name;
      }
    }
  }
}

TEST(ParameterGroups, WhatIsFrozenIsNotInTheGradientNorm) {
  const TinyRun tiny;
  const auto all = tiny_trainer(tiny_config(tiny));
  const auto some = tiny_trainer(tiny_config(tiny, {"optimizer.groups.experts.freeze=true"}));
  EXPECT_LT(some->step().grad_norm.item<double>(), all->step().grad_norm.item<double>());
}

TEST(ParameterGroups, TheRateIsAFactorAndZeroMovesNothing) {
  const TinyRun tiny;
  const auto plain = tiny_trainer(tiny_config(tiny));
  const auto grouped = tiny_trainer(
      tiny_config(tiny, {"optimizer.groups.gate.lr=0", "optimizer.groups.experts.lr=2"}));
  const auto first = values_of(*plain);
  plain->step();
  grouped->step();
  const auto one = values_of(*plain), two = values_of(*grouped);
  for (const auto& [name, value] : first) {
    const double factor = name.find(".gate.") != std::string::npos      ? 0
                          : name.find(".experts.") != std::string::npos ? 2
                                                                        : 1;
    EXPECT_TRUE(at::allclose(two.at(name) - value, (one.at(name) - value) * factor, 1e-3, 1e-6)) << name;
  }
}

}  // namespace
}  // namespace moe

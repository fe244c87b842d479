#include "train/diagnose/conditions.h"

#include <gmock/gmock.h>

#include <cmath>

#include "configs/errors.h"
#include "tests/support/temp_dir.h"

namespace moe {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

LayerDiagnosis layer_of(int64_t number, std::vector<double> load) {
  LayerDiagnosis layer;
  layer.layer = number;
  layer.experts = static_cast<int64_t>(load.size());
  layer.k = 1;
  layer.load.max_vio = max_violation(load);
  layer.load.load_cv = load_variation(load);
  layer.load.dead_experts = std::count(load.begin(), load.end(), 0.0);
  layer.load.slots_per_token = 1;
  layer.load.tokens_per_expert = std::move(load);
  return layer;
}

std::string refused(const std::string& list) {
  return message_of<ConfigError>([&] { parse_conditions(list); });
}

size_t tripped_by(const std::string& list) {
  // max_vio 0 and 1, dead experts 0 and 1.
  auto even = layer_of(0, {5, 5}), uneven = layer_of(1, {10, 0});
  even.load.gate["saturated_bits"] = 0.5;
  return tripped(parse_conditions(list), {even, uneven}).size();
}

TEST(FailOn, ReadsAList) {
  const auto conditions = parse_conditions("dead_experts>0, max_vio >= 2.5e0 ,gate.a_1!=-1");
  ASSERT_THAT(conditions, SizeIs(3));
  EXPECT_EQ(conditions[0].figure, "dead_experts");
  EXPECT_EQ(conditions[0].comparison, ">");
  EXPECT_EQ(conditions[1].text, "max_vio >= 2.5e0");
  EXPECT_EQ(conditions[1].comparison, ">=");
  EXPECT_EQ(conditions[1].limit, 2.5);
  EXPECT_EQ(conditions[1].place, 17u);
  EXPECT_EQ(conditions[2].figure, "gate.a_1");
  EXPECT_EQ(conditions[2].comparison, "!=");
  EXPECT_EQ(conditions[2].limit, -1);
}

TEST(FailOn, RefusesWithThePlace) {
  const std::string example = "; write conditions as in 'dead_experts>0,max_vio>2'";
  EXPECT_EQ(refused(""), "--fail-on: character 1: expected the name of a figure, found the end" +
                             example);
  EXPECT_EQ(refused("max_vio"),
            "--fail-on: character 8: expected one of > >= < <= == !=, found the end" + example);
  EXPECT_EQ(refused("max_vio=2"),
            "--fail-on: character 8: expected one of > >= < <= == !=, found '=2'" + example);
  EXPECT_EQ(refused("max_vio>two"),
            "--fail-on: character 9: expected a number, found 'two'" + example);
  EXPECT_EQ(refused("max_vio>2,"),
            "--fail-on: character 11: expected the name of a figure, found the end" + example);
  for (const char* list : {",", ">1", "a>", "a>nan", "a>inf", "a>1 2", "a>1e999", "a>0x10", "A>1",
                           "a > , b > 1", " ", "a>>1", "a>=", "a>1;b>2"}) {
    EXPECT_THAT(refused(list), HasSubstr("--fail-on: character ")) << list;
  }
}

TEST(FailOn, ComparesEveryLayer) {
  EXPECT_EQ(tripped_by("dead_experts>0"), 1u);
  EXPECT_EQ(tripped_by("dead_experts>=0"), 2u);
  EXPECT_EQ(tripped_by("max_vio<1"), 1u);
  EXPECT_EQ(tripped_by("max_vio<=1"), 2u);
  EXPECT_EQ(tripped_by("max_vio==1"), 1u);
  EXPECT_EQ(tripped_by("max_vio!=1"), 1u);
  EXPECT_EQ(tripped_by("max_vio>1"), 0u);
  EXPECT_EQ(tripped_by("dead_experts>0,max_vio>0.5"), 2u);
}

TEST(FailOn, AGatesFigureIsLookedForWhereItIs) {
  EXPECT_EQ(tripped_by("gate.saturated_bits>0.4"), 1u);
  EXPECT_EQ(tripped_by("saturated_bits>0.4"), 1u);
}

TEST(FailOn, WhatIsNoNumberDoesNotPass) {
  auto layer = layer_of(3, {1, 1});
  layer.load.entropy = NAN;
  const auto found = tripped(parse_conditions("entropy>5"), {layer});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(tripped_text(found[0]), "entropy>5: layer 3 has entropy nan");
}

// Also where another layer has the figure: a layer of NaN must not pass beside it.
TEST(FailOn, AWeightThatIsNoNumberDoesNotPass) {
  auto healthy = layer_of(0, {1, 1}), broken = layer_of(1, {1, 1}), old = layer_of(2, {1, 1});
  healthy.load.top_weight = 0.9;
  broken.load.top_weight = NAN;
  old.load.top_weight = NAN;
  old.has_top_weight = false;
  const auto found = tripped(parse_conditions("top_weight<0.3"), {healthy, broken, old});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].layer, 1);
  EXPECT_THAT(tripped(parse_conditions("top_weight<0.3"), {broken}), SizeIs(1));
  EXPECT_TRUE(layer_json(old).at("top_weight").is_null());
}

// 0 would pass.
TEST(FailOn, PairsThatWereNotCountedAreRefused) {
  auto many = layer_of(0, std::vector<double>(513, 1));
  many.routing.emplace();
  const auto message =
      message_of<ConfigError>([&] { tripped(parse_conditions("coactivation>0.5"), {many}); });
  EXPECT_THAT(message, HasSubstr("expected a figure of these layers, found 'coactivation'"));
  EXPECT_TRUE(layer_json(many).at("coactivation").is_null());
  many.routing->coactivation = {{1, 0.75}, {0.5, 1}};
  many.routing->closest = {0, 1, 0.75};
  EXPECT_THAT(tripped(parse_conditions("coactivation>0.5"), {many}), SizeIs(1));
}

TEST(FailOn, AGatesFigureIsLookedForInGatesWithinItToo) {
  auto plain = layer_of(0, {5, 5}), nested = layer_of(1, {5, 5});
  plain.load.gate["saturated_bits"] = 0.1;
  nested.load.gate["inner.saturated_bits"] = 0.9;
  nested.load.gate["outer.saturated_bits"] = 0.2;
  nested.load.gate["inner.unsaturated_bits"] = 1;
  const auto names = [&](const std::string& list) {
    std::vector<std::string> found;
    for (const auto& one : tripped(parse_conditions(list), {plain, nested})) found.push_back(one.figure);
    return found;
  };
  EXPECT_THAT(names("saturated_bits>0.5"), testing::ElementsAre("gate.inner.saturated_bits"));
  EXPECT_THAT(names("gate.saturated_bits>0.15"),
              testing::ElementsAre("gate.inner.saturated_bits", "gate.outer.saturated_bits"));
  EXPECT_THAT(names("outer.saturated_bits>0"), testing::ElementsAre("gate.outer.saturated_bits"));
  // A figure of the layer's own is that alone.
  nested.load.gate["inner.max_vio"] = 7;
  EXPECT_THAT(names("max_vio>1"), testing::IsEmpty());
}

TEST(FailOn, AnUnknownFigureNamesThoseThatThereAre) {
  const auto message = message_of<ConfigError>([] { tripped_by("dead_experts>0, max_vo>1"); });
  EXPECT_THAT(message, HasSubstr("--fail-on: character 17: expected a figure of these layers, found "
                                 "'max_vo' (did you mean 'max_vio'?). There are: max_vio, "));
  EXPECT_THAT(message, HasSubstr("gate.saturated_bits"));
}

}  // namespace
}  // namespace moe

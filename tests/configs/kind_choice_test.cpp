#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/configs/sample_config.h"

namespace moe {
namespace {

std::string gate(const std::string& yaml) { return "model: {moe: {gate: " + yaml + "}}\n"; }

const KindChoice& gate_of(const SampleConfig& config) { return config.model.moe->gate; }

TEST(KindChoice, IsChosenByKindOrByTheWordAlone) {
  const auto full = parse_sample(gate("{kind: step, k: 7}"));
  EXPECT_EQ(gate_of(full).kind, "step");
  EXPECT_EQ(dynamic_cast<StepGate&>(*gate_of(full).config).k, 7);
  const auto word = parse_sample(gate("step"));
  EXPECT_EQ(gate_of(word).kind, "step");
  EXPECT_EQ(dynamic_cast<StepGate&>(*gate_of(word).config).k, 4);
  EXPECT_EQ(gate_of(parse_sample(gate("fixed"))).kind, "fixed");
}

TEST(KindChoice, WithoutKindKeepsTheDefaultKind) {
  const auto config = parse_sample(gate("{k: 3}"));
  EXPECT_EQ(gate_of(config).kind, "soft");
  EXPECT_EQ(dynamic_cast<SoftGate&>(*gate_of(config).config).k, 3);
}

TEST(KindChoice, AnUnknownKindIsTheOnlyProblemOfItsSection) {
  EXPECT_EQ(problems_of(gate("{kind: stp, gamma: x}")),
            "c.yaml:1:28: model.moe.gate.kind: expected soft, step or fixed, found 'stp' (did you "
            "mean 'step'?)");
  EXPECT_EQ(problems_of(gate("hash")),
            "c.yaml:1:21: model.moe.gate: expected soft, step or fixed, found 'hash'");
  EXPECT_EQ(problems_of(gate("{kind: [step]}")),
            "c.yaml:1:28: model.moe.gate.kind: expected soft, step or fixed, found a list");
  EXPECT_EQ(problems_of(gate("[step]")),
            "c.yaml:1:21: model.moe.gate: expected one of the kinds soft, step or fixed, or a "
            "mapping with 'kind', found a list");
}

TEST(KindChoice, AKnobOfAnotherKindSaysWhoseItIs) {
  EXPECT_EQ(problems_of(gate("{kind: soft, gamma: 1}")),
            "c.yaml:1:34: model.moe.gate.gamma: unknown key for kind 'soft': it belongs to kind "
            "'step'");
  EXPECT_EQ(
      problems_of(gate("{kind: fixed, k: 1}")),
      "c.yaml:1:35: model.moe.gate.k: unknown key for kind 'fixed': it belongs to kind 'soft' "
      "or 'step'");
  EXPECT_EQ(
      problems_of(gate("{kind: step, gama: 1}")),
      "c.yaml:1:34: model.moe.gate.gama: unknown key for kind 'step' (did you mean 'gamma'?)");
  EXPECT_EQ(problems_of(gate("{kind: step, zzzzzz: 1}")),
            "c.yaml:1:34: model.moe.gate.zzzzzz: unknown key for kind 'step': expected kind, k, "
            "gamma or entropy");
}

TEST(KindChoice, RulesOfTheKindAreChecked) {
  EXPECT_EQ(problems_of(gate("{kind: step, k: 100}")),
            "c.yaml:1:34: model.moe.gate.k: expected fewer than 100 selectors, found 100");
}

TEST(KindChoice, ADefaultThatIsNotListedIsAProgrammersError) {
  EXPECT_THROW(KindChoice(sample_gates(), "nobody"), std::logic_error);
}

TEST(KindChoice, TheListCanBeExtended) {
  KindList kinds = sample_gates();
  kinds.push_back({"mine", "of this program", [] { return std::make_shared<SoftGate>(); }});
  struct Mine {
    KindChoice gate;
    void fields(Fields& f) { f("gate", gate, "gate"); }
    void check(Rules&) const {}
  } config{KindChoice(kinds, "soft")};
  read_config("gate: {kind: mine, k: 5}", "c.yaml", {}, view_of(config));
  EXPECT_EQ(config.gate.kind, "mine");
  EXPECT_EQ(dynamic_cast<SoftGate&>(*config.gate.config).k, 5);
}

}  // namespace
}  // namespace moe

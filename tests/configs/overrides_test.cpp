#include "configs/overrides.h"

#include <gtest/gtest.h>

#include "tests/configs/sample_config.h"

namespace moe {
namespace {

const char kFile[] =
    "model: {moe: {experts: 3, gate: {kind: step, k: 7, gamma: 2}}}\ntrain: {steps: 5}\n";

std::string gate_of(const std::vector<std::string>& overrides) {
  auto config = parse_sample(kFile, overrides);
  std::string text;
  for (const auto& [key, value] : flatten_config(view_of(config))) {
    if (key.rfind("model.moe", 0) == 0) text += key.substr(10) + "=" + value + " ";
  }
  return text;
}

TEST(Overrides, SetValues) {
  const auto config = parse_sample(
      kFile, {"train.steps=1e3", "train.lr=0.5", "name=a b # c: d", "files=*.txt", "train.steps=9",
              "sweep.seeds=[1, 2,3]", "sweep.variants={dense: model.moe=none, b: ['x=1', y]}"});
  EXPECT_EQ(config.train.steps, 9);
  EXPECT_EQ(config.train.lr, 0.5);
  EXPECT_EQ(config.name, "a b # c: d");
  EXPECT_EQ(config.files, std::vector<std::string>{"*.txt"});
  EXPECT_EQ(config.sweep.seeds, (std::vector<int64_t>{1, 2, 3}));
  const Fields::NamedLists variants = {{"dense", {"model.moe=none"}}, {"b", {"x=1", "y"}}};
  EXPECT_EQ(config.sweep.variants, variants);
}

TEST(Overrides, TextsComeAsTheyAre) {
  EXPECT_EQ(parse_sample("name: x", {"name="}).name, "");
  EXPECT_EQ(parse_sample("", {"name='a=b'"}).name, "a=b");
  EXPECT_EQ(parse_sample("", {"name=a=b"}).name, "a=b");
  EXPECT_EQ(parse_sample("", {"name=\"x\\ny\""}).name, "x\ny");
  EXPECT_EQ(parse_sample("", {"name=~/a"}).name, "~/a");
  EXPECT_EQ(parse_sample("", {"name=caf\xe9"}).name, "caf\xe9");
  EXPECT_EQ(parse_sample("", {"files=['caf\xe9']"}).files[0], "caf\xe9");
}

TEST(Overrides, ANewKindReplacesTheSection) {
  EXPECT_EQ(gate_of({}),
            "experts=3 d_hidden=auto gate.kind=step gate.k=7 gate.gamma=2 gate.entropy=true ");
  EXPECT_EQ(gate_of({"model.moe.gate.kind=soft"}),
            "experts=3 d_hidden=auto gate.kind=soft gate.k=2 gate.noise=0 ");
  // The same kind again: its defaults, not what the file had.
  EXPECT_EQ(gate_of({"model.moe.gate.kind=step"}),
            "experts=3 d_hidden=auto gate.kind=step gate.k=4 gate.gamma=1 gate.entropy=true ");
  EXPECT_EQ(gate_of({"model.moe.gate.kind=soft", "model.moe.gate.k=5"}),
            "experts=3 d_hidden=auto gate.kind=soft gate.k=5 gate.noise=0 ");
  // Earlier overrides belong to the former kind too.
  EXPECT_EQ(gate_of({"model.moe.gate.k=5", "model.moe.gate.kind=soft"}),
            "experts=3 d_hidden=auto gate.kind=soft gate.k=2 gate.noise=0 ");
  EXPECT_EQ(gate_of({"model.moe.gate=soft", "model.moe.gate.noise=1"}),
            "experts=3 d_hidden=auto gate.kind=soft gate.k=2 gate.noise=1 ");
  EXPECT_EQ(gate_of({"model.moe.gate.k=5"}),
            "experts=3 d_hidden=auto gate.kind=step gate.k=5 gate.gamma=2 gate.entropy=true ");
}

struct DirectChoice {
  KindChoice gate{sample_gates(), "soft"};
  int64_t steps = 1000;
  DirectChoice() { dynamic_cast<SoftGate&>(*gate.config).k = 9; }
  void fields(Fields& f) {
    f("gate", gate, "gate");
    f("steps", steps, "steps");
  }
  void check(Rules&) const {}
};

std::string direct(const std::string& text, const std::vector<std::string>& overrides) {
  auto config = parse_config<DirectChoice>(text, "c.yaml", overrides);
  return print_config(view_of(config));
}

TEST(Overrides, WhatTheyReplaceLeavesNoTrace) {
  EXPECT_EQ(parse_sample("train: {steps: 5}", {"train={lr: 1}"}).train.steps, 1000);
  // Without `kind` the struct's own default, with it that of the kind.
  const std::string own = "gate:\n  kind: soft\n  k: 9\n  noise: 0\nsteps: 1000\n";
  const std::string of_kind = "gate:\n  kind: soft\n  k: 2\n  noise: 0\nsteps: 1000\n";
  EXPECT_EQ(direct("gate: {kind: step, k: 7}", {"gate={}"}), own);
  EXPECT_EQ(direct("gate: {k: 7}", {"gate={}"}), own);
  EXPECT_EQ(direct("gate: {k: 7}", {"gate.kind=soft"}), of_kind);
  EXPECT_EQ(direct("gate: soft", {}), of_kind);
}

struct PlainKind {
  struct Schedule {
    std::string kind = "cosine";
    double lr = 1;
    void fields(Fields& f) {
      f("kind", kind, "shape", one_of({"cosine", "linear"}));
      f("lr", lr, "peak");
    }
  } schedule;
  void fields(Fields& f) { f.section("schedule", schedule, "of the learning rate"); }
  void check(Rules&) const {}
};

TEST(Overrides, AFieldThatIsOnlyCalledKindReplacesNothing) {
  const auto config = parse_config<PlainKind>("schedule: {kind: cosine, lr: 3}", "c.yaml",
                                              {"schedule.kind=linear"});
  EXPECT_EQ(config.schedule.kind, "linear");
  EXPECT_EQ(config.schedule.lr, 3);
}

TEST(Overrides, OptionalSectionsComeAndGo) {
  EXPECT_FALSE(parse_sample(kFile, {"model.moe=none"}).model.moe.has_value());
  EXPECT_EQ(parse_sample("", {"model.moe.experts=5"}).model.moe->experts, 5);
  EXPECT_EQ(parse_sample("model: {moe: none}", {"model.moe.experts=5"}).model.moe->experts, 5);
  EXPECT_EQ(parse_sample("", {"model.moe={experts: 4}"}).model.moe->experts, 4);
  EXPECT_EQ(gate_of({"model.moe=none", "model.moe.gate.kind=step"}),
            "experts=8 d_hidden=auto gate.kind=step gate.k=4 gate.gamma=1 gate.entropy=true ");
}

TEST(Overrides, ProblemsNameTheOverride) {
  EXPECT_EQ(problems_of("", {"train.steps=x", "train.stepz=1", "model.moe.gate.gamma=1"}),
            "override 'train.steps=x': train.steps: expected an integer, found 'x'\n"
            "override 'train.stepz=1': train.stepz: unknown key (did you mean 'steps'?)\n"
            "override 'model.moe.gate.gamma=1': model.moe.gate.gamma: unknown key for kind 'soft': "
            "it belongs to kind 'step'");
  EXPECT_EQ(problems_of("", {"trian.steps=1"}),
            "override 'trian.steps=1': trian: unknown key (did you mean 'train'?)");
  EXPECT_EQ(problems_of("", {"model.moe.gate.kind=stepp"}),
            "override 'model.moe.gate.kind=stepp': model.moe.gate.kind: expected soft, step or "
            "fixed, found 'stepp' (did you mean 'step'?)");
  EXPECT_EQ(problems_of("", {"train.steps="}),
            "override 'train.steps=': train.steps: expected an integer, found ''");
  EXPECT_EQ(
      problems_of("", {"name=null"}),
      "override 'name=null': name: expected a text, found nothing (write '' for the empty text)");
  EXPECT_EQ(problems_of("", {"model.heads=5"}),
            "override 'model.heads=5': model.heads: expected a divisor of width 64, found 5");
}

TEST(Overrides, TheFormIsExplained) {
  const std::string form = "expected the form dotted.key=value, such as train.steps=100";
  for (const std::string text : {"steps", "=5", "a..b=1", ".a=1", "a.=1", "a b=1", ""}) {
    EXPECT_EQ(problems_of("", {text}), "override '" + text + "': " + form);
  }
}

TEST(Overrides, OnlyMappingsHaveKeys) {
  EXPECT_EQ(problems_of("train: {steps: 5}", {"train.steps.x=1"}),
            "override 'train.steps.x=1': train.steps.x: expected 'train.steps' to be a mapping of "
            "keys, found '5'");
  EXPECT_EQ(
      problems_of("files: [a]", {"files.0=b"}),
      "override 'files.0=b': files.0: expected 'files' to be a mapping of keys, found a list");
}

TEST(Overrides, BrokenFlowSyntax) {
  EXPECT_EQ(problems_of("", {"files=[a, b"}),
            "override 'files=[a, b': files: expected ',' or ']': check the indentation, and that "
            "brackets and quotes are closed");
  EXPECT_EQ(problems_of("", {"files=[ab]*.txt"}),
            "override 'files=[ab]*.txt': files: expected nothing after the value, found more: "
            "quote a text that starts with a bracket or a quote");
  EXPECT_EQ(problems_of("", {"sweep.variants={a: 1, a: 2}"}),
            "override 'sweep.variants={a: 1, a: 2}': sweep.variants.a: expected every key once, "
            "found it again");
}

TEST(Overrides, WhatTheyReplaceIsCheckedToo) {
  EXPECT_EQ(problems_of("train: {steps: x}\n", {"train.steps=5"}),
            "c.yaml:1:16: train.steps: expected an integer, found 'x'");
  EXPECT_EQ(problems_of("train: {steps: x, lr: y}\n", {"train.steps=z"}),
            "c.yaml:1:16: train.steps: expected an integer, found 'x'\n"
            "c.yaml:1:23: train.lr: expected a number above 0, found 'y'\n"
            "override 'train.steps=z': train.steps: expected an integer, found 'z'");
  // Rules hold for what is run: an override may mend them.
  EXPECT_EQ(problems_of("model: {width: 63}", {"model.heads=3"}), "");
}

}  // namespace
}  // namespace moe

// A config with every type of field, for the tests of the configuration language.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "configs/config_io.h"

namespace moe {

struct SoftGate : KindConfig {
  int64_t k = 2;
  double noise = 0;
  void fields(Fields& f) override {
    f("k", k, "experts per token", at_least(1));
    f("noise", noise, "standard deviation of the noise", at_least(0));
  }
};

struct StepGate : KindConfig {
  int64_t k = 4;
  double gamma = 1;
  bool entropy = true;
  void fields(Fields& f) override {
    f("k", k, "selectors per token", at_least(1));
    f("gamma", gamma, "width of the smooth step", above(0));
    f("entropy", entropy, "whether selectors are pushed to decide");
  }
  void check(Rules& rules) const override {
    rules.require(k < 100, "k", "expected fewer than 100 selectors, found " + std::to_string(k));
  }
};

struct FixedGate : KindConfig {};

inline KindList& sample_gates() {
  static KindList gates = {
      {"soft", "softmax over the experts", [] { return std::make_shared<SoftGate>(); }},
      {"step", "smooth steps", [] { return std::make_shared<StepGate>(); }},
      {"fixed", "round robin", [] { return std::make_shared<FixedGate>(); }}};
  return gates;
}

struct SampleMoe {
  int64_t experts = 8;
  std::optional<int64_t> d_hidden;
  KindChoice gate{sample_gates(), "soft"};
  void fields(Fields& f) {
    f("experts", experts, "number of experts", at_least(1));
    f("d_hidden", d_hidden, "width of an expert; auto: from the dense twin", at_least(1));
    f("gate", gate, "which expert sees which token");
  }
  void check(Rules& rules) const { rules.section("gate", gate); }
};

struct SampleModel {
  int64_t width = 64;
  int64_t heads = 4;
  std::string norm = "rms";
  std::optional<SampleMoe> moe;
  void fields(Fields& f) {
    f("width", width, "width of the residual stream", at_least(1));
    f("heads", heads, "attention heads", at_least(1));
    f("norm", norm, "normalisation", one_of({"rms", "layer", "none"}));
    f.section("moe", moe, "mixture of experts in place of the feed-forward layers");
  }
  void check(Rules& rules) const {
    rules.require(width % heads == 0, "heads",
                  "expected a divisor of width " + std::to_string(width) + ", found " +
                      std::to_string(heads));
    if (moe) rules.section("moe", *moe);
  }
};

struct SampleTrain {
  int64_t steps = 1000;
  double lr = 1e-3;
  double decay = 0.1;
  bool shuffle = true;
  void fields(Fields& f) {
    f("steps", steps, "optimizer steps");
    f("lr", lr, "learning rate", above(0));
    f("decay", decay, "weight decay", from_below(0, 1));
    f("shuffle", shuffle, "whether windows come in random order");
  }
};

struct SampleSweep {
  Fields::NamedLists variants;
  std::vector<int64_t> seeds = {1, 2};
  void fields(Fields& f) {
    f("variants", variants, "overrides of each variant");
    f("seeds", seeds, "one run of each variant per seed", at_least(0));
  }
};

struct SampleSource {
  std::vector<std::string> files;
  double weight = 1;
  KindChoice gate{sample_gates(), "soft"};
  void fields(Fields& f) {
    f("files", files, "text files");
    f("weight", weight, "share", above(0));
    f("gate", gate, "any choice");
  }
  void check(Rules& rules) const {
    rules.require(!files.empty(), "files", "expected at least one file, found none");
    rules.section("gate", gate);
  }
};

struct SampleMix {
  NamedSections<SampleSource> sources;
  void fields(Fields& f) { f.sections("sources", sources, "several texts"); }
  void check(Rules& rules) const { rules.sections("sources", sources); }
};

// A config with named sections, apart from SampleConfig so that each shows what it is for.
struct SampleMixture {
  SampleMix data;
  void fields(Fields& f) { f.section("data", data, "text"); }
  void check(Rules& rules) const { rules.section("data", data); }
};

struct SampleConfig {
  std::string name;
  std::vector<std::string> files = {"a.txt"};
  SampleModel model;
  SampleTrain train;
  SampleSweep sweep;
  void fields(Fields& f) {
    f("name", name, "name of the run");
    f("files", files, "text files");
    f.section("model", model, "the decoder");
    f.section("train", train, "the training");
    f.section("sweep", sweep, "several runs");
  }
  void check(Rules& rules) const {
    rules.require(!files.empty(), "files", "expected at least one file, found none");
    rules.require(train.steps != 13, "train.steps", "expected another number, found 13");
    rules.section("model", model);
  }
};

inline SampleConfig parse_sample(const std::string& text,
                                 const std::vector<std::string>& overrides = {}) {
  return parse_config<SampleConfig>(text, "c.yaml", overrides);
}

// What reading says, or "" where it succeeds.
inline std::string problems_of(const std::string& text,
                               const std::vector<std::string>& overrides = {}) {
  try {
    parse_sample(text, overrides);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

inline std::string print_sample(SampleConfig config) { return print_config(view_of(config)); }

}  // namespace moe

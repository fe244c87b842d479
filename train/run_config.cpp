#include "train/run_config.h"

#include <array>
#include <cstdio>
#include <filesystem>

#include "data/byte_tokenizer.h"
#include "train/size_config.h"

namespace moe {
namespace {

// Keys (or sections) with which the same run may go on.
constexpr std::array kFree = {
    "train.steps", "train.on_nonfinite", "train.spike", "train.bad_steps", "train.recompute", "log",
    "checkpoint",  "parallel",           "run.name",    "run.dir",         "data.cache",      "sweep",
    "energy"};

// FNV-1a, for a short and stable name.
std::string short_hash(const std::string& text) {
  uint32_t hash = 2166136261u;
  for (const unsigned char c : text) {
    hash = (hash ^ c) * 16777619u;
  }
  std::array<char, 9> hex;
  std::snprintf(hex.data(), hex.size(), "%08x", hash);
  return hex.data();
}

bool plain(const std::string& text) {
  return text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._=+-") ==
         std::string::npos;
}

// How an override shows in a run's name: a choice by its value, others as key=value.
std::string name_part(const std::string& key, const std::string& value) {
  constexpr size_t kLong = 40;
  const auto dot = key.rfind('.');
  const bool choice = dot != std::string::npos && key.substr(dot) == ".kind";
  const std::string part = choice ? value : key + "=" + value;
  return plain(part) && part.size() <= kLong ? part : short_hash(key + "=" + value);
}

// What asks for a checkpoint to begin with.
void check_continuation(const RunConfig& config, Rules& rules) {
  rules.section("init", config.init);
  rules.require(config.train.extra_compute == 0 || config.init.given(), "train.extra_compute",
                "is a share of what a checkpoint has cost, and init.from names none: set it, or give "
                "train.steps and train.extra_compute=0");
  if (config.init.upcycle) {
    const auto& moe = config.model.moe;
    rules.require(moe.has_value(), "init.upcycle",
                  "makes experts, and model.moe is none: set model.moe, or take init.upcycle out");
    rules.require(!moe || moe->shared_experts == 0, "model.moe.shared_experts",
                  "must be 0 with init.upcycle: a shared expert beside copies of the dense network would add "
                  "its output once more; found " +
                      std::to_string(moe ? moe->shared_experts : 0));
  }
}

}  // namespace

void ModelConfig::fields(Fields& f) {
  DecoderConfig::fields(f);
  f.section("moe", moe, "the mixture of experts; none: the dense twin");
}

void ModelConfig::check(Rules& rules) const {
  DecoderConfig::check(rules);
  if (moe) {
    struct Experts {
      const ModelConfig& model;
      void check(Rules& r) const { model.moe->check(r, model.active_width, model.layers); }
    };
    rules.section("moe", Experts{*this});
  }
}

uint64_t RunConfig::data_seed() const {
  constexpr uint64_t kContinued = 0x636f6e74;
  const auto seed = static_cast<uint64_t>(run.seed);
  // By the source's name, so that a continuation of a continuation has its own as well. FNV-1a.
  uint64_t name = 14695981039346656037u;
  for (const unsigned char c : init.from) name = (name ^ c) * 1099511628211u;
  return init.given() ? seed * 0x9e3779b97f4a7c15 + (name ^ kContinued) : seed;
}

int64_t RunConfig::rows_per_micro_step() const {
  return train.batch_tokens / (model.context * train.accumulate);
}

void RunConfig::fields(Fields& f) {
  f.section("run", run, "which run this is");
  f.section("init", init, "begin with a checkpoint's parameters");
  f.section("model", model, "the decoder");
  f.section("data", data, "text");
  f("objective", objective, "what is predicted from what");
  f.section("optimizer", optimizer, "AdamW");
  f.section("schedule", schedule, "learning rate");
  f.section("train", train, "how long, and on what");
  f.section("parallel", parallel, "ranks: how experts, data and optimizer are spread");
  f.section("checkpoint", checkpoint, "what is kept");
  f.section("log", log, "what is reported");
  f.section("energy", energy, "joules, kilowatt hours and carbon dioxide");
  f.section("sweep", sweep, "variants x seeds: runs what is missing");
}

void RunConfig::check(Rules& rules) const {
  if (!sweep.given()) {  // a sweep's variants say what they begin with
    check_continuation(*this, rules);
  }
  rules.section("model", model);
  rules.section("data", data);
  check_objective(rules, objective, model.context, ByteTokenizer::ids(), data.tokenizer);
  rules.section("optimizer", optimizer);
  rules.section("sweep", sweep);
  check_sizes(*this, rules);
  if (model.moe) {
    rules.require(model.moe->experts % parallel.expert == 0, "parallel.expert",
                  "must divide model.moe.experts (" + std::to_string(model.moe->experts) + "), found " +
                      std::to_string(parallel.expert));
    rules.require(parallel.expert == 1 || model.moe->dispatch != "dense", "parallel.expert",
                  "with model.moe.dispatch=dense every rank computes every expert, so that there is "
                  "nothing to spread: set parallel.expert=1 or model.moe.dispatch=auto; found " +
                      std::to_string(parallel.expert));
  }
  const int64_t micro = model.context * train.accumulate;
  rules.require(train.batch_tokens % micro == 0, "train.batch_tokens",
                "must be a multiple of model.context x train.accumulate (" +
                    std::to_string(model.context) + " x " + std::to_string(train.accumulate) +
                    "), found " + std::to_string(train.batch_tokens));
}

bool may_change_on_resume(const std::string& key) {
  for (const std::string free : kFree) {
    if (key == free || key.rfind(free + ".", 0) == 0) {
      return true;
    }
  }
  return false;
}

std::string default_run_name(const std::string& config_path,
                             const std::vector<std::string>& overrides, int64_t seed) {
  std::string name = std::filesystem::path(config_path).stem();
  for (const auto& override : overrides) {
    const auto equals = override.find('=');
    const auto key = override.substr(0, equals);
    if (equals != std::string::npos && key != "run.seed" && !may_change_on_resume(key)) {
      name += "-" + name_part(key, override.substr(equals + 1));
    }
  }
  return name + "-s" + std::to_string(seed);
}

}  // namespace moe

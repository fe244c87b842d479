// What a model writes, token by token, against a loop that feeds everything again.
#include "train/decode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "configs/config_io.h"
#include "tests/support/gates.h"
#include "tests/support/tensors.h"
#include "train/sampling.h"

namespace moe {
namespace {

constexpr int64_t kContext = 16, kVocabulary = 20;

ModelConfig model_with(const std::string& moe) {
  return parse_config<RunConfig>("data: {train: a.txt}\nmodel: {d_model: 16, layers: 2, heads: 2, kv_heads: 1, "
                                 "context: 16, active_width: 24, moe: " + moe + "}\n")
      .model;
}

ModelConfig gated(const std::string& gate) {
  return model_with("{experts: 4, allow_future_leak: true, gate: " + gate + "}");
}

// With values that make every token and every position matter.
Model lively(const ModelConfig& config) {
  auto model = build_model(config, kVocabulary, Initializer(1, at::kDouble));
  spread_parameters(*model.decoder, 0.5);
  return model;
}

Reader reader_of(Model& model, const ModelConfig& config) {
  return {model, kContext, at::kCPU, 0.7, gates_choose_alone(config)};
}

enum class Wrong { kNothing, kCausalPrompt, kPositionsFromZeroAgain, kPrefixStays, kNothingIsKept };

// Everything again for every token, as plainly as can be; or wrong in one way.
std::vector<int64_t> plainly(const Reader& reader, const Given& given, const DecodeOptions& options,
                             Wrong wrong = Wrong::kNothing) {
  const at::NoGradGuard no_grad;
  std::vector<int64_t> all(kVocabulary);
  for (int64_t id = 0; id < kVocabulary; ++id) all[static_cast<size_t>(id)] = id;
  auto ids = given.ids;
  std::vector<int64_t> written;
  for (int64_t place = 0; place < options.tokens; ++place) {
    const auto size = static_cast<int64_t>(ids.size());
    const int64_t seen = std::min(size, kContext), left = size - seen;
    ForwardContext context;
    const int64_t kept = left > 0 && wrong != Wrong::kNothingIsKept ? given.kept : 0;
    std::vector<int64_t> shown(ids.begin(), ids.begin() + kept);
    shown.insert(shown.end(), ids.begin() + kept + left, ids.end());
    context.token_ids = longs(shown).unsqueeze(0);
    const auto number = at::arange(seen, at::kLong).unsqueeze(0);
    if (wrong != Wrong::kCausalPrompt) {
      context.prefix = number < (wrong == Wrong::kPrefixStays ? given.prefix : given.prefix - left);
    }
    if (wrong == Wrong::kPositionsFromZeroAgain) {
      context.positions = number.remainder(static_cast<int64_t>(given.ids.size()));
    }
    context.progress = reader.progress;
    const auto last = reader.model.decoder->forward(context).logits[-1].to(at::kFloat).contiguous();
    const std::vector<float> logits(last.data_ptr<float>(), last.data_ptr<float>() + last.numel());
    ids.push_back(choose_token(logits, all, options.temperature, options.top_p,
                               sampling_noise(static_cast<uint64_t>(options.seed), options.sample, place)));
    written.push_back(ids.back());
  }
  return written;
}

struct Case {
  Given given;
  DecodeOptions options;
};

// Causal and with a prefix, greedy and drawn, within the context and beyond it, more ids than that too.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const int64_t count : {6, 18}) {
    for (const int64_t prefix : {int64_t{0}, count - 2, count}) {
      for (const double temperature : {0.0, 0.8}) {
        Case each;
        for (int64_t i = 0; i < count; ++i) each.given.ids.push_back((7 * i + 3) % kVocabulary);
        each.given.prefix = prefix;
        each.given.kept = prefix == count ? 1 : 0;
        each.options.tokens = 18;
        each.options.temperature = temperature;
        each.options.top_p = temperature > 0 ? 0.9 : 1;
        each.options.seed = 4;
        each.options.sample = 2;
        all.push_back(each);
      }
    }
  }
  return all;
}

TEST(Decode, WritesTheSameWithAndWithoutKeptKeys) {
  for (const std::string moe : {"none", "{experts: 4, gate: top_k}", "{experts: 4, gate: {kind: dselect_k, k: 2}}",
                                "{experts: 4, gate: hash}", "{experts: 4, gate: round_robin}",
                                "{experts: 4, gate: sinkhorn, allow_future_leak: true}",
                                "{experts: 4, gate: expert_choice, allow_future_leak: true}"}) {
    const auto config = model_with(moe);
    auto model = lively(config);
    const auto reader = reader_of(model, config);
    for (auto [given, options] : cases()) {
      const auto expected = plainly(reader, given, options);
      EXPECT_EQ(decode(reader, given, options).ids, expected) << moe << ", prefix " << given.prefix;
      options.cache = false;
      EXPECT_EQ(decode(reader, given, options).ids, expected) << moe << ", prefix " << given.prefix;
    }
  }
}

TEST(Decode, WrongVariantsAreCaught) {
  const auto config = gated("top_k");
  auto model = lively(config);
  const auto reader = reader_of(model, config);
  const auto caught = [&](Wrong wrong, const auto& concerns) {
    int differ = 0;
    for (const auto& [given, options] : cases()) {
      if (!concerns(given)) continue;
      differ += decode(reader, given, options).ids != plainly(reader, given, options, wrong) ? 1 : 0;
    }
    return differ > 0;
  };
  const auto all = [](const Given&) { return true; };
  EXPECT_FALSE(caught(Wrong::kNothing, all));
  EXPECT_TRUE(caught(Wrong::kCausalPrompt, [](const Given& given) { return given.prefix > 0; }));
  EXPECT_FALSE(caught(Wrong::kCausalPrompt, [](const Given& given) { return given.prefix == 0; }));
  EXPECT_TRUE(caught(Wrong::kPositionsFromZeroAgain, all));
  EXPECT_TRUE(caught(Wrong::kPrefixStays, all));
  EXPECT_TRUE(caught(Wrong::kNothingIsKept, [](const Given& given) { return given.kept > 0; }));
}

// With a gate that compares tokens, keys of tokens that were routed among others cannot stand for them.
TEST(Decode, KeepsNothingWhereAGateComparesTokens) {
  const auto config = gated("{kind: expert_choice, k: 1}");
  auto model = lively(config);
  auto reader = reader_of(model, config);
  EXPECT_FALSE(reader.causal_gates);
  int differ = 0;
  for (const auto& [given, options] : cases()) {
    reader.causal_gates = true;  // wrong
    const auto wrong = decode(reader, given, options).ids;
    reader.causal_gates = false;
    differ += wrong != decode(reader, given, options).ids ? 1 : 0;
  }
  EXPECT_GT(differ, 0);
}

TEST(Decode, GatesChooseAloneWhereAllLayersDo) {
  EXPECT_TRUE(gates_choose_alone(model_with("none")));
  EXPECT_TRUE(gates_choose_alone(gated("{kind: top_k, capacity_factor: 1, capacity_order: priority}")))
      << "capacity is training's alone";
  EXPECT_TRUE(gates_choose_alone(gated("sinkhorn")));
  EXPECT_TRUE(gates_choose_alone(gated("base")));
  EXPECT_FALSE(gates_choose_alone(gated("expert_choice")));
  EXPECT_FALSE(gates_choose_alone(
      gated("{kind: hierarchical, groups: 2, outer: {kind: top_k, k: 1}, inner: {kind: expert_choice, k: 1}}")));
  EXPECT_FALSE(gates_choose_alone(model_with(
      "{experts: 4, gate: top_k, allow_future_leak: true, layers: {1: {gate: {kind: expert_choice}}}}")));
}

TEST(Decode, EndsByTheEndOrAStopAndStaysAmongTheAllowed) {
  const auto config = gated("top_k");
  auto model = lively(config);
  const auto reader = reader_of(model, config);
  auto [given, options] = cases().at(1);  // drawn
  const auto all = decode(reader, given, options);
  EXPECT_EQ(all.ids.size(), 18u);
  EXPECT_FALSE(all.ended);
  const int64_t fourth = all.ids.at(3);
  const auto first = std::find(all.ids.begin(), all.ids.end(), fourth) - all.ids.begin() + 1;
  options.end = fourth;
  const auto ended = decode(reader, given, options);
  EXPECT_EQ(ended.ids, std::vector<int64_t>(all.ids.begin(), all.ids.begin() + first));
  EXPECT_TRUE(ended.ended);
  options.end = -1;
  options.stops = {kVocabulary, fourth};
  const auto stopped = decode(reader, given, options);
  EXPECT_EQ(stopped.ids, ended.ids);
  EXPECT_FALSE(stopped.ended);
  options.stops.clear();
  options.allowed = {3, 5, 11};
  for (const int64_t id : decode(reader, given, options).ids) EXPECT_TRUE(id == 3 || id == 5 || id == 11) << id;
  options.tokens = 0;
  EXPECT_TRUE(decode(reader, given, options).ids.empty());
}

TEST(Decode, RefusesWhatCannotBe) {
  const auto config = gated("top_k");
  auto model = lively(config);
  const auto reader = reader_of(model, config);
  EXPECT_THROW(decode(reader, {{}, 0}, {}), std::invalid_argument);
  EXPECT_THROW(decode(reader, {{1, 2}, 3}, {}), std::invalid_argument);
  EXPECT_THROW(decode(reader, {{1, 2}, -1}, {}), std::invalid_argument);
  EXPECT_THROW(decode(reader, {{1, 2}, 0, 3}, {}), std::invalid_argument);
  {
    const at::NoGradGuard no_grad;
    model.decoder->named_parameters()["norm.weight"].fill_(NAN);
  }
  EXPECT_THROW(decode(reader, {{1, 2}, 0}, {}), RunError);
}

}  // namespace
}  // namespace moe

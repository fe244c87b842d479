// A run whose gate looks at later tokens, or is not taught by the text, says so.
#include "train/gate_notes.h"

#include <gmock/gmock.h>

#include "configs/config_io.h"
#include "tests/support/tiny_run.h"

namespace moe {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kNote = "gate base looks at later tokens (model.moe.allow_future_leak)";

RunConfig with(std::vector<std::string> overrides) {
  return parse_config<RunConfig>(kTinyConfig, "tiny", overrides);
}

TEST(FutureLeak, NamesTheGatesThatLookAheadAndNoOthers) {
  const std::string allowed = "model.moe.allow_future_leak=true";
  EXPECT_EQ(future_leak_note(with({"model.moe=none"}).model), "");
  EXPECT_EQ(future_leak_note(with({allowed}).model), "");
  const auto mixed = with({allowed, "model.layers=4", "model.moe.layers={0: {gate: sinkhorn}, "
                                                      "2-3: {gate: expert_choice}}"});
  EXPECT_EQ(leaking_layers(mixed.model), 3);
  EXPECT_THAT(future_leak_note(mixed.model),
              HasSubstr("gate expert_choice, sinkhorn looks at later tokens"));
  const auto order = with({allowed, "model.moe.gate={capacity_factor: 1, capacity_order: choice}"});
  EXPECT_EQ(leaking_layers(order.model), 2);
}

TEST(UntaughtGates, AreThoseWhoseOneWeightIsConstant) {
  const auto note = [](const std::string& gate) {
    return untaught_note(with({"model.moe.gate=" + gate}).model);
  };
  const std::string one = "weighs its one expert 1 for every token";
  EXPECT_THAT(note("{kind: top_k, k: 1}"), HasSubstr("gate top_k " + one));
  EXPECT_THAT(note("{kind: top_k, k: 1, softmax: after, renormalize: false}"), HasSubstr(one));
  EXPECT_THAT(note("{kind: mixtral, k: 1}"), HasSubstr(one));
  EXPECT_THAT(note("{kind: noisy_top_k, k: 1}"), HasSubstr(one));
  EXPECT_THAT(note("{kind: bias_balanced, k: 1}"), HasSubstr(one));
  EXPECT_THAT(note("{kind: hierarchical, groups: 2, inner: {kind: top_k, k: 1}}"), HasSubstr(one));
  for (const char* taught :
       {"{kind: top_k, k: 2}", "{kind: top_k, k: 1, renormalize: false}", "{kind: switch}",
        "{kind: bias_balanced, k: 1, normalize: false}", "{kind: sinkhorn, k: 1}", "{kind: hash}"}) {
    EXPECT_EQ(untaught_note(with({"model.moe.allow_future_leak=true",
                                  "model.moe.gate=" + std::string(taught)}).model),
              "")
        << taught;
  }
}

TEST(UntaughtGates, AreSaidWhenTrainingBegins) {
  const TinyRun tiny;
  const auto run = tiny.train({"run.dir=one", "train.steps=1", "model.moe.gate.k=1"});
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("gate top_k weighs its one expert 1 for every token"));
}

TEST(FutureLeak, EveryReportShowsIt) {
  const TinyRun tiny;
  const auto leaking = tiny.train({"run.dir=leaking", "train.steps=4", "model.moe.gate.kind=base",
                                   "model.moe.allow_future_leak=true"});
  ASSERT_EQ(leaking.code, 0) << leaking.err;
  ASSERT_EQ(tiny.train({"run.dir=causal", "train.steps=4"}).code, 0);
  EXPECT_THAT(leaking.err, HasSubstr(kNote));
  EXPECT_THAT(read_bytes(tiny.file("leaking/report.html")), HasSubstr(kNote));
  EXPECT_THAT(read_bytes(tiny.file("causal/report.html")), Not(HasSubstr("later tokens")));

  const auto diagnosed = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), MOE_BIN_DIR "/moe-diagnose");
    return run_to_end(arguments, tiny.folder()).out;
  };
  using Arguments = std::vector<std::string>;
  for (const auto& source : {Arguments{"leaking"}, Arguments{"leaking", "--tokens", "64"}}) {
    EXPECT_THAT(diagnosed(source), HasSubstr("the run: layers that look ahead is 2"));
    auto as_json = source;
    as_json.push_back("--json");
    const auto report = Json::parse(diagnosed(as_json));
    std::vector<std::string> names;
    for (const auto& finding : report.at("findings")) {
      names.push_back(finding.at("name"));
    }
    EXPECT_THAT(names, testing::Contains("future_leak"));
  }
  EXPECT_THAT(diagnosed({"causal"}), Not(HasSubstr("look ahead")));

  const auto compared = run_to_end({MOE_BIN_DIR "/moe-compare", "leaking", "causal"}, tiny.folder());
  EXPECT_THAT(compared.out + compared.err, HasSubstr(kNote));
}

}  // namespace
}  // namespace moe

// init.take and train.extra_compute: what a config leaves to the checkpoint that its run begins with.
#include "train/run_config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "configs/config_io.h"
#include "tests/support/init_run.h"
#include "train/checkpoint_state.h"
#include "train/extra_compute.h"
#include "train/flops.h"
#include "train/run_folder.h"
#include "train/sweep.h"

namespace moe {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string section_of(RunConfig config, const std::string& section) {
  std::string text;
  for (const auto& [key, value] : flatten_config(view_of(config))) {
    text += key.rfind(section + ".", 0) == 0 ? key + "=" + value + "\n" : "";
  }
  return text;
}

// Every shape of field: choices, optional sections, named ones, lists, texts that look like something else.
TEST(SectionOverrides, MakeTheSectionWhateverTheFileSaysOfIt) {
  const std::vector<std::string> theirs = {
      "data: {train: [a, 'no', 'x, y', '#z', '~']}\n",
      "data: {train: a}\nmodel: {moe: none, kv_heads: 2, norm_eps: 1e-7}\n",
      "data: {sources: {'yes': {train: [a.txt, '*.md'], weight: 1e-3}, b-2: {train: '#'}}, documents: separator, "
      "separator: \"\\x1e: \\n\", cache: 'null'}\n"
      "model: {layers: 5, active_width: 1536, moe: {layers: {3-4: {gate: {kind: mixtral, k: 3}}, '1': {}}, "
      "gate: {kind: top_k, k: 3}}}\n",
  };
  const std::string ours =
      "data: {train: b, valid: c, block_bytes: 2048}\n"
      "model: {d_model: 64, qk_norm: true, moe: {experts: 3, "
      "gate: {kind: switch, load_balancing: 1}, layers: {'0': {gate: mixtral}}}}\n";
  for (const auto& text : theirs) {
    auto config = parse_config<RunConfig>(text);
    std::vector<std::string> all;
    for (const char* section : {"model", "data"}) {
      const auto more = section_overrides(config, section);
      all.insert(all.end(), more.begin(), more.end());
    }
    const auto taken = parse_config<RunConfig>(ours, "ours", all);
    for (const char* section : {"model", "data"}) {
      EXPECT_EQ(section_of(taken, section), section_of(config, section)) << text;
      EXPECT_NE(section_of(parse_config<RunConfig>(ours), section), section_of(config, section));
    }
  }
}

class Taken : public InitTest {
 protected:
  // The config in `file`, as moe-train would read it in the folder of the tiny run.
  RunConfig load(const std::vector<std::string>& overrides = {}) const {
    return RunConfigFile(tiny_.file("next.yaml")).load(here(overrides));
  }
  std::vector<std::string> here(std::vector<std::string> overrides) const {
    overrides.insert(overrides.end(), {"init.from=" + tiny_.file("there"), "run.dir=" + tiny_.file("here")});
    return overrides;
  }
  void write(const std::string& text) const { tiny_.files().write_file("next.yaml", text); }
  // moe-train next.yaml ARGUMENTS.
  Finished train_next(const std::vector<std::string>& arguments) const {
    std::vector<std::string> all = {MOE_BIN_DIR "/moe-train", "next.yaml"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run_to_end(all, tiny_.folder());
  }
};

const std::string kNext =
    "init: {take: [model, data]}\n"
    "model: {heads: 8, moe: none}\n"
    "train: {steps: 3, batch_tokens: 64, eval_every: 0, eval_tokens: 128, threads: 1}\n"
    "log: {every: 1}\n";

TEST_F(Taken, SectionsAreTheCheckpointsAndOverridesStandOnTop) {
  begin();
  write(kNext);
  auto there = parse_config<RunConfig>(checkpoint_config(checkpoint()));
  const auto whole = load();
  EXPECT_EQ(section_of(whole, "model"), section_of(there, "model"));
  EXPECT_EQ(section_of(whole, "data"), section_of(there, "data"));
  EXPECT_EQ(whole.train.steps, 3);
  EXPECT_TRUE(whole.init.take.empty()) << "it reads back alone";
  const auto changed = load({"model.moe.gate.kind=dselect_k", "init.gate=fresh"});
  EXPECT_EQ(changed.model.moe->gate.kind, "dselect_k");
  EXPECT_EQ(changed.model.heads, 2);
  write("init: {take: model}\ndata: {train: other.txt}\ntrain: {batch_tokens: 64}\n");
  const auto half = load();
  EXPECT_EQ(section_of(half, "model"), section_of(there, "model"));
  EXPECT_EQ(half.data.train, std::vector<std::string>{"other.txt"});
}

TEST_F(Taken, ErrorsNameWhatTheyAreAbout) {
  write(kNext);
  const auto path = tiny_.file("next.yaml");
  EXPECT_THAT(message_of<ConfigError>([&] { RunConfigFile(path).load({}); }),
              AllOf(HasSubstr("next.yaml:1:8: init.take: "), HasSubstr("set init.from=CHECKPOINT")));
  EXPECT_THAT(message_of<UserError>([&] { load(); }), HasSubstr("init.from: " + tiny_.file("there")));
  begin();
  EXPECT_THAT(message_of<ConfigError>([&] { load({"model.heads=5"}); }),
              AllOf(HasSubstr("model.heads"), HasSubstr("\nThese sections are taken from " + checkpoint() +
                                                        " (init.take): model, data")));
  EXPECT_THAT(message_of<ConfigError>([&] { load({"init.take=[model, train]"}); }),
              HasSubstr("expected model or data, found 'train'"));
  EXPECT_THAT(message_of<ConfigError>([&] { load({"init.take=[model, model]"}); }), HasSubstr("found 'model' twice"));
  EXPECT_THAT(message_of<ConfigError>([&] { load({"train.stepz=5"}); }), HasSubstr("did you mean 'steps'?"));
}

// The whole as users meet it: gate swapped, the stored config complete, resumed without the checkpoint.
TEST_F(Taken, ARunIsContinuedWithItsGateSwappedInOneCommand) {
  begin();
  write(kNext);
  const std::vector<std::string> command = {"init.from=there", "model.moe.gate.kind=dselect_k", "init.gate=fresh",
                                            "run.dir=here", "checkpoint.every=2"};
  const auto first = train_next(command);
  ASSERT_EQ(first.code, kDone) << first.err;
  auto stored = load_config<RunConfig>(tiny_.file("here/config.yaml"));
  EXPECT_TRUE(stored.init.take.empty());
  EXPECT_EQ(stored.model.moe->gate.kind, "dselect_k");
  EXPECT_LT(tiny_.rows("here")[0]["loss"].get<double>(), 5.5);  // untrained: log 512
  fs::remove_all(tiny_.file("there"));
  fs::remove_all(tiny_.file("here/checkpoints/step-00000003"));
  const auto resumed = train_next(command);
  EXPECT_EQ(resumed.code, kDone) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("resuming here at step 2"));
  const auto other = train_next({"init.from=there", "run.dir=here", "checkpoint.every=2", "model.moe.gate.k=1",
                                 "init.gate=fresh", "model.active_width=16"});
  EXPECT_EQ(other.code, kUsage);
  EXPECT_THAT(other.err, HasSubstr("model.moe.gate.k: the run has 2, now 1"));
}

TEST_F(Taken, VariantsOfASweepBeginWithCheckpointsOfTheirOwn) {
  begin();
  write(kNext + "sweep:\n  variants:\n    whole: [init.from=" + tiny_.file("there") + "]\n    swapped: [init.from=" +
        tiny_.file("there") + ", model.moe.gate.kind=dselect_k, init.gate=fresh]\n");
  const auto runs = expand_sweep(tiny_.file("next.yaml"), {"run.dir=" + tiny_.file("all")});
  ASSERT_EQ(runs.size(), 2u);
  for (const auto& run : runs) {
    EXPECT_EQ(run.config.model.heads, 2);
    EXPECT_TRUE(run.config.init.take.empty());
    EXPECT_FALSE(run.config.sweep.given());
    EXPECT_EQ(run.config.run.dir, tiny_.file("all/") + run.config.run.name);
  }
  EXPECT_EQ(runs[0].config.model.moe->gate.kind, "top_k");
  EXPECT_EQ(runs[1].config.model.moe->gate.kind, "dselect_k");
  write(kNext + "sweep: {variants: {lost: [init.from=nowhere]}}\n");
  EXPECT_THAT(message_of<UserError>([&] { expand_sweep(tiny_.file("next.yaml"), {}); }),
              HasSubstr("sweep variant 'lost':\ninit.from: nowhere: expected a checkpoint folder"));
}

TEST_F(Taken, ExtraComputeIsAShareOfAllThatTheCheckpointHasCost) {
  begin();
  write(kNext + "checkpoint: {every: 0}\n");
  const auto cost = state_cost(checkpoint());
  EXPECT_EQ(cost.step, 12);
  EXPECT_EQ(cost.tokens, 12 * 64);
  const auto config = load({"train.extra_compute=0.5"});
  EXPECT_EQ(config.train.steps, 6) << "of the same model, half the steps";
  // Four experts of a token instead of two, in a model that is as wide for each.
  const auto wider = load({"train.extra_compute=0.5", "model.moe.gate.k=4", "model.active_width=64"});
  const double step = flops_per_token(wider.model, kInitVocabulary).training_once_sparse() * 64;
  EXPECT_EQ(wider.train.steps, std::lround(0.5 * cost.flops / step));
  EXPECT_LT(wider.train.steps, 6);
  EXPECT_EQ(load({"train.extra_compute=1e-9"}).train.steps, 1);
  EXPECT_THAT(message_of<ConfigError>([&] { load({"train.extra_compute=1e300"}); }),
              HasSubstr("train.extra_compute: 1e+300 times what the checkpoint has cost"));
  EXPECT_THAT(message_of<ConfigError>([&] {
                RunConfigFile(tiny_.file("tiny.yaml")).load({"train.extra_compute=0.1"});
              }),
              HasSubstr("train.extra_compute: is a share of what a checkpoint has cost, and init.from names none"));
}

// A chain of continuations: what came before counts, also where the first run is gone.
TEST_F(Taken, ExtraComputeCountsWhatTheCheckpointItselfHadBegunWith) {
  begin();
  ASSERT_EQ(train({}).code, kDone);  // 4 steps more
  fs::remove_all(tiny_.file("there"));
  const auto cost = state_cost(tiny_.file("here/checkpoints/step-00000004"));
  EXPECT_EQ(cost.step, 4);
  EXPECT_EQ(cost.tokens, 16 * 64);
  EXPECT_GT(cost.seconds, 0);
  write(kNext);
  const auto next = RunConfigFile(tiny_.file("next.yaml"))
                        .load({"init.from=" + tiny_.file("here"), "train.extra_compute=0.5"});
  EXPECT_EQ(next.train.steps, 8);
}

TEST_F(Taken, ExtraComputeOfARunThatIsThereNeedsTheCheckpointNoMore) {
  begin();
  write(kNext + "checkpoint: {every: 2}\n");
  const std::vector<std::string> command = {"init.from=there", "train.extra_compute=0.4", "run.dir=here"};
  ASSERT_EQ(train_next(command).code, kDone);
  const auto rows = repeatable(tiny_.rows("here"));
  EXPECT_EQ(rows.back()["step"], 5);
  EXPECT_THAT(read_bytes(tiny_.file("here/config.yaml")), HasSubstr("\n  steps: 5\n  extra_compute: 0.4\n"));
  fs::remove_all(tiny_.file("there"));
  fs::remove_all(tiny_.file("here/checkpoints/step-00000005"));
  const auto resumed = train_next(command);
  ASSERT_EQ(resumed.code, kDone) << resumed.err;
  EXPECT_EQ(repeatable(tiny_.rows("here")), rows);
}

// The steps of a try-out are an override's; the share is the config's.
TEST_F(Taken, ExtraComputeGoesOnAfterATryOutOfAFewSteps) {
  begin();
  write("init: {take: [model, data]}\n"
        "train: {extra_compute: 0.4, batch_tokens: 64, eval_every: 0, eval_tokens: 128, threads: 1}\n");
  ASSERT_EQ(train_next({"init.from=there", "run.dir=here", "train.steps=2"}).code, kDone);
  EXPECT_EQ(tiny_.rows("here").back()["step"], 2);
  fs::remove_all(tiny_.file("there"));
  const auto whole = train_next({"init.from=there", "run.dir=here"});
  ASSERT_EQ(whole.code, kDone) << whole.err;
  EXPECT_EQ(tiny_.rows("here").back()["step"], 5);
}

}  // namespace
}  // namespace moe

// Bad steps in whole runs: left out, gone back from, stopped at; counted; and a resumed run does as the
// uninterrupted one did.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <regex>

#include "configs/errors.h"
#include "tests/support/tiny_trainer.h"
#include "train/checkpoint.h"

namespace moe {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using Words = std::vector<std::string>;

// The four rows of one step, from `row` on, come without a target, so that their mean loss is 0 / 0.
class NoTargetsOnce : public Dataset {
 public:
  NoTargetsOnce(std::shared_ptr<const Dataset> below, int64_t row) : below_(below), row_(row) {}
  int64_t rows_per_epoch() const override { return below_->rows_per_epoch(); }
  Batch batch(int64_t first, int64_t rows) const override {
    auto batch = below_->batch(first, rows);
    if (row_ >= 0 && first >= row_ && first < row_ + 4) {
      batch.targets.assign(batch.targets.size(), Batch::kNoTarget);
      batch.target_tokens = 0;
    }
    return batch;
  }

 private:
  std::shared_ptr<const Dataset> below_;
  int64_t row_;
};

std::unique_ptr<Trainer> trainer_with(const RunConfig& config, int64_t bad_row) {
  at::set_num_threads(1);
  const auto data = open_data(config.data, config.objective, config.model.context, 1);
  return std::make_unique<Trainer>(config, 512, std::make_shared<NoTargetsOnce>(data.train, bad_row));
}

TEST(BadStep, ChangesNothingButThePosition) {
  const TinyRun tiny;
  const auto config = tiny_config(tiny, {"model.moe.gate.kind=dselect_k", "train.accumulate=2"});
  const auto trainer = trainer_with(config, 8), untouched = trainer_with(config, -1);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(trainer->step().verdict, Verdict::kGood);
    untouched->step();
  }
  const auto bad = trainer->step();
  EXPECT_EQ(bad.verdict, Verdict::kNonfinite);
  EXPECT_EQ(bad.step, 3);
  EXPECT_EQ(bad.first_row, 8);
  EXPECT_EQ(bad.rows, 4);
  EXPECT_THAT(bad.problem, HasSubstr("the loss is not finite ("));
  EXPECT_EQ(differing(*trainer, *untouched), Words{});
  EXPECT_EQ(trainer->optimizer().steps(), 2);
  EXPECT_EQ(trainer->progress().step, 3);
  EXPECT_EQ(trainer->progress().row, 12);
  EXPECT_EQ(trainer->progress().bad_steps.nonfinite, 1);
  for (const auto& parameter : trainer->model().decoder->parameters()) {
    EXPECT_FALSE(parameter.grad().defined()) << "nothing of it reaches the next step";
  }
  EXPECT_EQ(trainer->step().verdict, Verdict::kGood);
}

TEST(BadStep, NamesTheGradientThatIsNotFinite) {
  const TinyRun tiny;
  const auto trainer = tiny_trainer(tiny_config(tiny, {"train.dtype=bf16"}));
  trainer->step();
  const auto& [name, master] = trainer->weights().tensors().at(1);
  ASSERT_EQ(name, "layers.0.attention_norm.weight");
  {
    at::NoGradGuard no_grad;
    master.fill_(1e38);  // queries times keys overflow
  }
  trainer->weights().publish();
  const auto bad = trainer->step();
  EXPECT_EQ(bad.verdict, Verdict::kNonfinite);
  EXPECT_THAT(bad.problem, HasSubstr("not finite"));
  EXPECT_EQ(trainer->nonfinite_parameter(), "");
  at::NoGradGuard no_grad;
  master[0] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(trainer->nonfinite_parameter(), name);
}

// A text that repeats one sentence, with a place of noise that is a surprise whenever it is drawn.
std::string surprising_text() {
  std::string text;
  for (int i = 0; i < 150; ++i) {
    text += "the gate sends every token. ";
    if (i != 90) continue;
    uint32_t state = 77;
    for (int c = 0; c < 90; ++c) {
      state = state * 1664525u + 1013904223u;
      text += static_cast<char>(33 + (state >> 16) % 90);
    }
  }
  return text;
}

class BadStepsRun : public ::testing::TestWithParam<const char*> {
 protected:
  BadStepsRun() { tiny_.files().write_file("text.txt", surprising_text()); }
  Finished train(const std::string& run, Words more = {}) const {
    Words all = {"run.dir=" + run, "train.steps=260", "schedule.kind=constant", "train.spike=3",
                 "checkpoint.every=40", "checkpoint.keep=99", "log.tensorboard=false"};
    all.insert(all.end(), more.begin(), more.end());
    return tiny_.train(all);
  }
  std::string checkpoint(const std::string& run, int64_t step) const {
    return checkpoint_folder(tiny_.file(run), step);
  }
  Json state(const std::string& run, int64_t step) const {
    auto state = Json::parse(read_bytes(checkpoint(run, step) + "/state.json"));
    state.erase("seconds");
    state.erase("config");  // run.dir differs
    return state;
  }
  TinyRun tiny_;
};
using BadStepsOfPolicy = BadStepsRun;

TEST_P(BadStepsOfPolicy, AResumedRunDoesAsTheUninterruptedOne) {
  const std::string policy = std::string("train.on_nonfinite=") + GetParam();
  const bool rollback = policy.back() == 'k';
  const auto whole = train("whole", {policy});
  ASSERT_EQ(whole.code, kDone) << whole.err;
  const auto rows = tiny_.rows("whole");
  const auto last = rows.back()["step"];
  EXPECT_EQ(last, 260);
  const auto end = state("whole", 260);
  const auto& counts = end["bad_steps"];
  EXPECT_GE(counts["spikes"], 1) << "the text was meant to surprise";
  EXPECT_EQ(counts["rollbacks"], rollback ? counts["spikes"] : Json(0));
  EXPECT_EQ(rows[rows.size() - 2]["bad_steps"]["spikes"], counts["spikes"]);
  for (size_t i = 0; i + 1 < rows.size(); ++i) EXPECT_EQ(rows[i]["step"], i + 1) << "each step once";
  if (rollback) {
    EXPECT_GT(end["row"], 260 * 4) << "rows were left out";
    EXPECT_EQ(end["optimizer_steps"], 260);
    EXPECT_THAT(whole.err, HasSubstr("is far above the last 100; back to step "));
    EXPECT_THAT(whole.err, HasSubstr(" are left out (so far 0 not finite, 1 spike, 1 rollback; "));
  } else {
    EXPECT_EQ(end["row"], 260 * 4);
    EXPECT_EQ(end["optimizer_steps"].get<int64_t>(), 260 - counts["spikes"].get<int64_t>());
    EXPECT_THAT(whole.err, HasSubstr("is far above the last 100; its update is left out (so far"));
  }
  // As if killed at some moment after each of the checkpoints.
  for (const int64_t reached : {40, 200}) {
    const auto run = "killed-" + std::to_string(reached);
    fs::copy(tiny_.file("whole"), tiny_.file(run), fs::copy_options::recursive);
    for (int64_t later = reached + 40; later < 300; later += 40) {
      fs::remove_all(checkpoint(run, std::min<int64_t>(later, 260)));
    }
    ASSERT_EQ(train(run, {policy}).code, kDone);
    for (const char* name : {"/model.safetensors", "/optimizer.safetensors"}) {
      EXPECT_TRUE(read_bytes(checkpoint("whole", 260) + name) ==
                  read_bytes(checkpoint(run, 260) + name)) << run << name;
    }
    EXPECT_EQ(state(run, 260), end);
    EXPECT_EQ(repeatable(tiny_.rows(run)), repeatable(rows));
  }
  // As if interrupted just before the first surprise: what that saved is not what an undisturbed run
  // would have gone back to.
  std::smatch found;
  ASSERT_TRUE(std::regex_search(whole.err, found, std::regex("step (\\d+) \\(rows")));
  const auto stopped = std::to_string(std::stoll(found[1]) - 1);
  ASSERT_NE(std::stoll(stopped) % 40, 0);
  ASSERT_EQ(train("stopped", {policy, "train.steps=" + stopped}).code, kDone);
  ASSERT_EQ(train("stopped", {policy}).code, kDone);
  EXPECT_EQ(state("stopped", 260), end);
  EXPECT_TRUE(read_bytes(checkpoint("whole", 260) + "/model.safetensors") ==
              read_bytes(checkpoint("stopped", 260) + "/model.safetensors"));
}
INSTANTIATE_TEST_SUITE_P(Policies, BadStepsOfPolicy, ::testing::Values("skip", "rollback"));

// One update at such a rate, and nothing is finite any more but the parameters.
const Words kHugeRate = {"schedule.lr=1e30", "schedule.warmup=0", "train.spike=0",
                         "checkpoint.every=1"};

TEST_F(BadStepsRun, StopSaysWhereAndWhatAndLeavesGoodCheckpoints) {
  auto words = kHugeRate;
  words.push_back("train.on_nonfinite=stop");
  const auto end = train("run", words);
  EXPECT_EQ(end.code, kFailed);
  EXPECT_THAT(end.err, HasSubstr("moe-train: step 2 (rows 4 to 7 of the training data): the gradient is "
                                 "not finite of embedding, "));
  EXPECT_THAT(end.err, HasSubstr("; train.on_nonfinite is stop. The run stops here; its newest good "
                                 "checkpoint is that of step 1, from which the same command"));
  EXPECT_THAT(read_bytes(tiny_.file("run/report.html")), HasSubstr("<dd>1 of 260</dd>"));
  EXPECT_EQ(list_checkpoints(tiny_.file("run")).size(), 1u);
  const auto trainer = tiny_trainer(tiny_config(tiny_));
  load_checkpoint(checkpoint("run", 1), *trainer);
  EXPECT_EQ(trainer->nonfinite_parameter(), "");
  // The policy may change with the same run.
  words.back() = "train.on_nonfinite=skip";
  EXPECT_THAT(train("run", words).err, HasSubstr("resuming run at step 1"));
}

TEST_F(BadStepsRun, BeyondTheBudgetTheRunStops) {
  for (const std::string policy : {"skip", "rollback"}) {
    auto words = kHugeRate;
    words.insert(words.end(), {"train.bad_steps=2", "train.on_nonfinite=" + policy});
    const auto end = train(policy, words);
    EXPECT_EQ(end.code, kFailed);
    EXPECT_THAT(end.err, HasSubstr(policy == "skip"
                                       ? "that is one more bad step than the 2 of train.bad_steps (3 not "
                                         "finite, 0 spikes, 0 rollbacks)"
                                       : "that is one more bad step than the 2 of train.bad_steps (3 not "
                                         "finite, 0 spikes, 2 rollbacks)"));
  }
}

TEST_F(BadStepsRun, ParametersThatOverflowAreNotSaved) {
  for (const std::string policy : {"skip", "rollback", "stop"}) {
    auto words = kHugeRate;
    words[0] = "schedule.lr=1e39";
    words.insert(words.end(), {"train.bad_steps=1", "train.on_nonfinite=" + policy});
    const auto end = train(policy, words);
    EXPECT_EQ(end.code, kFailed);
    EXPECT_THAT(end.err, HasSubstr("step 1: its update made parameters overflow, so that nothing is saved"));
    EXPECT_THAT(end.err, HasSubstr("The run stops here; it has no good checkpoint yet"));
    EXPECT_THAT(read_bytes(tiny_.file(policy + "/report.html")), HasSubstr(" of 260</dd>"));
    EXPECT_TRUE(list_checkpoints(tiny_.file(policy)).empty());
    EXPECT_EQ(end.err.find("back to the first values") != std::string::npos, policy == "rollback");
  }
}

TEST_F(BadStepsRun, GroupsThatFitNothingAreRefusedBeforeAnythingIsWritten) {
  const auto end = train("run", {"optimizer.groups={heads: {match: '*.atention.*', freeze: true}}"});
  EXPECT_EQ(end.code, kUsage);
  EXPECT_THAT(end.err, HasSubstr("(did you mean 'attention'?)"));
  EXPECT_FALSE(fs::exists(tiny_.file("run")));
}

}  // namespace
}  // namespace moe

// init.from as users meet it: what the program says and writes, resuming, exit codes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "configs/errors.h"
#include "tests/support/init_run.h"

namespace moe {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class InitRun : public InitTest {
 protected:
  // What environment.json says that run `here` began with.
  std::string noted_beginning() const {
    const auto noted = Json::parse(read_bytes(tiny_.file("here/environment.json")));
    return noted.value("init", Json::object()).value("checkpoint", "nothing");
  }
};

TEST_F(InitRun, SaysWhatFitsAndMeansSomethingElse) {
  begin();
  EXPECT_THAT(train({"model.heads=4"}).err,
              HasSubstr("model.heads: 2 there, 4 here: its tensors fit this model, which makes "
                        "something else of them"));
}

TEST_F(InitRun, TheProgramSaysWhatItDidAndBeginsANewRun) {
  begin();
  const auto run = train({"init.gate=fresh", "model.moe.gate.kind=dselect_k"});
  ASSERT_EQ(run.code, kDone) << run.err;
  EXPECT_THAT(run.err, AllOf(HasSubstr("beginning with there/checkpoints/step-00000012, saved at step 12"),
                             HasSubstr("  loaded: 14 tensors"),
                             HasSubstr("  ignored: 2 tensors of the gates there: ")));
  const auto rows = tiny_.rows("here");
  EXPECT_EQ(rows[0]["step"], 0);  // what it begins with
  EXPECT_EQ(rows[0]["split"], "valid");
  EXPECT_EQ(rows[1]["step"], 1);
  // What the checkpoint has learned is there from the start: untrained, the loss is log 512.
  EXPECT_LT(rows[0]["loss"].get<double>(), 5.5);
  EXPECT_EQ(noted_beginning(), "there/checkpoints/step-00000012");
  EXPECT_THAT(read_bytes(tiny_.file("here/config.yaml")),
              HasSubstr("init:\n  from: there\n  gate: fresh\n  optimizer: fresh\n"));
}

TEST_F(InitRun, AResumedRunNeedsItsBeginningNoMore) {
  begin();
  ASSERT_EQ(train({"checkpoint.every=2"}).code, kDone);
  const auto whole = repeatable(tiny_.rows("here"));
  fs::remove_all(tiny_.file("here"));
  ASSERT_EQ(tiny_.train({"init.from=there", "run.dir=here", "train.steps=2"}).code, kDone);
  // As if the process had died at step 2 of a run of 4: the schedule is of train.steps.
  fs::remove_all(tiny_.file("here/checkpoints"));
  fs::remove(tiny_.file("here/metrics.jsonl"));
  ASSERT_EQ(train({"checkpoint.every=2"}).code, kDone);
  EXPECT_EQ(repeatable(tiny_.rows("here")), whole) << "without a checkpoint it begins there again";
  fs::remove_all(tiny_.file("there"));
  fs::remove_all(tiny_.file("here/checkpoints/step-00000004"));
  const auto resumed = train({"checkpoint.every=2"});
  ASSERT_EQ(resumed.code, kDone) << resumed.err;
  EXPECT_THAT(resumed.err, AllOf(HasSubstr("resuming here at step 2"), Not(HasSubstr("beginning"))));
  EXPECT_EQ(repeatable(tiny_.rows("here")), whole);
  EXPECT_EQ(noted_beginning(), "there/checkpoints/step-00000012");
}

// What came before is in the run's record, also after a resume, and goes on to the next continuation.
TEST_F(InitRun, TheCostOfTheBeginningIsNotedAndAddedUp) {
  begin();
  ASSERT_EQ(train({"checkpoint.every=2"}).code, kDone);
  const auto cost_in = [&](const std::string& run) {
    return Json::parse(read_bytes(tiny_.file(run + "/environment.json"))).value("began_with", Json::object());
  };
  const auto cost = cost_in("here");
  const auto last = tiny_.rows("there").back();
  EXPECT_EQ(cost["checkpoint"], "there/checkpoints/step-00000012");
  EXPECT_EQ(cost["step"], 12);
  for (const char* counter : {"tokens", "target_tokens", "flops", "flops_attention", "seconds", "joules"}) {
    EXPECT_EQ(cost[counter], last[counter]) << counter;
  }
  fs::remove_all(tiny_.file("here/checkpoints/step-00000004"));
  ASSERT_EQ(train({"checkpoint.every=2"}).code, kDone);
  EXPECT_EQ(cost_in("here"), cost);
  ASSERT_EQ(tiny_.train({"init.from=here", "run.dir=next", "train.steps=1"}).code, kDone);
  const auto both = cost_in("next");
  EXPECT_EQ(both["step"], 4);
  EXPECT_DOUBLE_EQ(both["flops"], cost["flops"].get<double>() + tiny_.rows("here").back()["flops"].get<double>());
  EXPECT_EQ(cost_in("there"), Json::object());
}

TEST_F(InitRun, StatedPowerIsTimesTimeInEveryRow) {
  begin({"energy.watts=50", "energy.processors=2"});
  for (const auto& row : tiny_.rows("there")) {
    // On a machine that measures, what it measures is taken instead.
    const auto source = Json::parse(read_bytes(tiny_.file("there/environment.json")))["energy"];
    if (source == "stated") {
      EXPECT_NEAR(row["joules"].get<double>(), 100 * row["seconds"].get<double>(), 1e-9);
    } else {
      EXPECT_EQ(source, "rapl");
    }
  }
  ASSERT_EQ(train({}).code, kDone);  // which states nothing
  const auto source = Json::parse(read_bytes(tiny_.file("here/environment.json")))["energy"];
  for (const auto& row : tiny_.rows("here")) {
    EXPECT_EQ(row["joules"].is_null(), source == "not measured");
  }
}

// "Not at all": the values are taken over, validated and saved as they are.
TEST_F(InitRun, NoStepsLeaveTheValuesAsTheyAre) {
  begin();
  const std::vector<std::string> command = {"init.from=there", "run.dir=here", "train.steps=0"};
  const auto run = tiny_.train(command);
  ASSERT_EQ(run.code, kDone) << run.err;
  const auto rows = tiny_.rows("here");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0]["step"], 0);
  EXPECT_EQ(rows[0]["split"], "valid");
  EXPECT_EQ(rows[0]["loss"], tiny_.rows("there").back()["loss"]);
  EXPECT_EQ(read_bytes(tiny_.file("here/checkpoints/step-00000000/model.safetensors")),
            read_bytes(checkpoint() + "/model.safetensors"));
  const auto again = tiny_.train(command);
  EXPECT_EQ(again.code, kDone) << again.err;
  EXPECT_THAT(again.err, HasSubstr("this run is finished"));
  EXPECT_EQ(tiny_.rows("here").size(), 1u);
  // Lengthened later it goes on from there, and says nothing twice.
  ASSERT_EQ(train({}).code, kDone);
  EXPECT_EQ(tiny_.rows("here").size(), 6u);
  EXPECT_EQ(tiny_.rows("here")[1]["step"], 1);
}

// The optimizer's counts, the common one and those of what began late, are part of what a run goes on with.
TEST_F(InitRun, AKeptOptimizerResumesBitForBit) {
  begin();
  const std::vector<std::string> kept = {"init.optimizer=keep", "init.gate=fresh", "model.moe.gate.kind=dselect_k",
                                         "checkpoint.every=2"};
  ASSERT_EQ(train(kept).code, kDone);
  const auto whole = repeatable(tiny_.rows("here"));
  const auto values = read_bytes(tiny_.file("here/checkpoints/step-00000004/model.safetensors"));
  fs::remove_all(tiny_.file("here/checkpoints/step-00000004"));
  ASSERT_EQ(train(kept).code, kDone);
  EXPECT_EQ(repeatable(tiny_.rows("here")), whole);
  EXPECT_EQ(read_bytes(tiny_.file("here/checkpoints/step-00000004/model.safetensors")), values);
  const auto fresh = tiny_.train({"init.from=there", "init.gate=fresh", "model.moe.gate.kind=dselect_k",
                                  "run.dir=fresh", "train.steps=4"});
  ASSERT_EQ(fresh.code, kDone);
  EXPECT_NE(repeatable(tiny_.rows("fresh")).back()["loss"], whole.back()["loss"]);
}

// Back to where it began, which is the checkpoint and not random values.
TEST_F(InitRun, RollingBackToTheFirstValuesIsToThoseOfTheCheckpoint) {
  begin();
  const auto run = train({"train.on_nonfinite=rollback", "train.bad_steps=2", "schedule.lr=1e30"});
  EXPECT_EQ(run.code, kFailed);
  EXPECT_THAT(run.err, HasSubstr("back to the first values"));
  const auto rows = tiny_.rows("here");
  ASSERT_FALSE(rows.empty());
  EXPECT_LT(rows[0]["loss"].get<double>(), 5.5);
}

TEST_F(InitRun, ExitCodesAndNothingWritten) {
  begin();
  const auto expect = [&](const Finished& run, int code, const std::string& text) {
    EXPECT_EQ(run.code, code) << run.err;
    EXPECT_THAT(run.err, HasSubstr(text));
    EXPECT_FALSE(fs::exists(tiny_.file("here")));
  };
  expect(train({"model.moe.experts=8"}), kUsage, "moe-train: init.from: there/checkpoints/step-00000012 does");
  expect(tiny_.train({"init.gate=fresh"}), kUsage,
         "override 'init.gate=fresh': init.gate: 'fresh' leaves a checkpoint's gates out, and init.from "
         "names no checkpoint: set it, or take init.gate out");
  expect(tiny_.train({"init.from=nowhere", "run.dir=here"}), kFailed,
         "moe-train: init.from: nowhere: expected a checkpoint folder (with manifest.json) or a run's "
         "folder (with checkpoints/), found neither");
  auto bytes = read_bytes(checkpoint() + "/model.safetensors");
  bytes[bytes.size() - 10] ^= 1;
  tiny_.files().write_file("there/checkpoints/step-00000012/model.safetensors", bytes);
  expect(train({}), kCheckFailed, "init.from: there: none of its checkpoints is good:");
  expect(tiny_.train({"init.from=there/checkpoints/step-00000012", "run.dir=here"}), kCheckFailed,
         "init.from: there/checkpoints/step-00000012: ");
}

TEST_F(InitRun, DryRunTellsBeforehand) {
  begin();
  const auto fits = tiny_.train({"init.from=there", "init.gate=fresh", "--dry-run"});
  ASSERT_EQ(fits.code, kDone) << fits.err;
  EXPECT_THAT(fits.out, HasSubstr("begins with       there/checkpoints/step-00000012: 14 tensors loaded, "
                                  "2 initialised, 2 ignored\n"));
  EXPECT_EQ(tiny_.train({"init.from=there", "model.moe.experts=8", "--dry-run"}).code, kUsage);
}

TEST(InitName, HasWhatItBeganWith) {
  const auto name = [](const std::string& from) {
    return default_run_name("q.yaml", {"init.from=" + from, "init.gate=fresh"}, 1);
  };
  EXPECT_THAT(name("runs/a-s1"), ::testing::MatchesRegex("q-[0-9a-f]{8}-init.gate=fresh-s1"));
  EXPECT_NE(name("runs/a-s1"), name("runs/b-s1"));
}

}  // namespace
}  // namespace moe

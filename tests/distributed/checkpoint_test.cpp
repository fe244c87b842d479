// Checkpoints of real ranks, each a process: what one rank cannot do, none does, and all go on from the
// same one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>

#include "configs/errors.h"
#include "tests/distributed/start_rank.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/tiny_trainer.h"
#include "train/agree.h"
#include "train/checkpoint.h"
#include "train/checkpoint_saver.h"
#include "train/init.h"
#include "train/resume.h"

namespace moe {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;

// What the test says to its ranks.
std::string said(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

class CheckpointRanks : public ::testing::Test {
 protected:
  RunConfig config_on(const Mesh& mesh, bool sharded, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all = {"model.moe.gate={kind: bias_balanced}",
                                    "parallel.expert=" + std::to_string(mesh.expert_ranks()),
                                    std::string("parallel.shard_optimizer=") + (sharded ? "true" : "false")};
    all.insert(all.end(), more.begin(), more.end());
    return tiny_config(tiny_, all);
  }
  int64_t vocabulary() const { return make_tokenizer(config_on({}, false).data.tokenizer)->vocabulary(); }
  // A trainer of this process's rank.
  std::unique_ptr<Trainer> trainer_on(const Mesh& mesh, bool sharded,
                                      const std::vector<std::string>& more = {}) const {
    const auto config = config_on(mesh, sharded, more);
    const auto data = open_data(config.data, config.objective, config.model.context, static_cast<uint64_t>(config.run.seed));
    return std::make_unique<Trainer>(config, vocabulary(), data.train, mesh);
  }
  void run_ranks(int ranks, const std::string& phase, const std::string& folder) const {
    TestRanks all(ranks, {"MOE_TEST_PHASE=" + phase, "MOE_TEST_FOLDER=" + folder});
    expect_all_pass(all);
  }
  std::string folder_ = said("MOE_TEST_FOLDER"), phase_ = said("MOE_TEST_PHASE");
  TinyRun tiny_;
};

TEST_F(CheckpointRanks, ThereAndBackTheBytesAreTheSame) {
  if (in_rank()) {
    const auto mesh = start_rank(/*expert=*/2);
    const auto trainer = trainer_on(mesh, /*sharded=*/true);
    if (phase_ == "train") {
      trainer->step();
      trainer->step();
      save_checkpoint(folder_ + "/four", *trainer, "the config");
    } else {
      load_checkpoint(checkpoint_folder(folder_ + "/one", 2), *trainer);
      save_checkpoint(folder_ + "/back", *trainer, "the config");
    }
    return;
  }
  TempDir folder;
  run_ranks(4, "train", folder.path());
  const auto four = checkpoint_folder(folder.file("four"), 2);
  EXPECT_EQ(problem_of_checkpoint(four), "");
  EXPECT_TRUE(fs::exists(four + "/optimizer-00004-of-00004.safetensors"));
  const auto trainer = trainer_on({}, false);
  load_checkpoint(four, *trainer);
  EXPECT_EQ(trainer->progress().step, 2);
  save_checkpoint(folder.file("one"), *trainer, "the config");

  const auto reader = trainer_on({}, false);  // as programs that only read a model
  load_parameters(four, *reader->model().decoder);
  const auto expected = model_tensors(*trainer->model().decoder), found = model_tensors(*reader->model().decoder);
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(at::equal(found[i].second, expected[i].second)) << expected[i].first;
  }
  EXPECT_THAT(checkpoint_shapes(four), ::testing::UnorderedElementsAreArray(shapes_of(expected)));

  run_ranks(4, "load", folder.path());
  EXPECT_EQ(read_bytes(checkpoint_folder(folder.file("back"), 2) + "/manifest.json"),
            read_bytes(four + "/manifest.json"));
}

TEST_F(CheckpointRanks, ARunMayBeginWithWhatOtherRanksSaved) {
  const auto there = folder_ + "/there", here = folder_ + "/here";
  if (in_rank()) {
    const auto mesh = start_rank(/*expert=*/2);
    auto config = config_on(mesh, false);
    const auto trainer = trainer_on(mesh, true);
    if (phase_ == "there") {
      trainer->step();
      save_checkpoint(there, *trainer, print_config(view_of(config)));
      return;
    }
    config.init.from = there;
    config.init.optimizer = "keep";
    FirstValues first(config, vocabulary());
    first.load(*trainer);
    EXPECT_EQ(first.checkpoint(), checkpoint_folder(there, 1));
    EXPECT_EQ(trainer->progress().step, 0);
    save_checkpoint(here, *trainer, "");
    return;
  }
  TempDir folder;
  run_ranks(2, "there", folder.path());
  run_ranks(4, "here", folder.path());
  const auto one = trainer_on({}, false), two = trainer_on({}, false);
  load_checkpoint(checkpoint_folder(folder.file("there"), 1), *one);
  load_checkpoint(checkpoint_folder(folder.file("here"), 0), *two);
  EXPECT_EQ(differing(*one, *two), std::vector<std::string>{}) << "moments too";
  EXPECT_EQ(two->optimizer().steps(), 1);
  ASSERT_TRUE(two->progress().began_with.has_value());
  EXPECT_EQ(two->progress().began_with->tokens, one->progress().tokens);
}

TEST_F(CheckpointRanks, ExpertsAreMadeAlikeOnEveryLayout) {
  const std::vector<std::string> sparse = {"model.moe.gate={kind: top_k}", "model.active_width=64"};
  const auto upcycling = [&](const Mesh& mesh, const std::string& from) {
    auto config = config_on(mesh, !mesh.alone(), sparse);
    config.init.from = from;
    config.init.upcycle = true;
    return config;
  };
  if (in_rank()) {
    const auto mesh = start_rank(/*expert=*/2);
    if (phase_ == "there") {
      auto config = config_on(mesh, true, {"model.moe=none"});
      const auto trainer = trainer_on(mesh, true, {"model.moe=none"});
      trainer->step();
      save_checkpoint(folder_ + "/there", *trainer, print_config(view_of(config)));
      return;
    }
    const auto config = upcycling(mesh, folder_ + "/there");
    const auto trainer = trainer_on(mesh, true, sparse);
    FirstValues(config, vocabulary()).load(*trainer);
    save_checkpoint(folder_ + "/here", *trainer, "");
    return;
  }
  TempDir folder;
  run_ranks(2, "there", folder.path());
  run_ranks(4, "here", folder.path());
  const auto one = trainer_on({}, false, sparse), two = trainer_on({}, false, sparse);
  const auto config = upcycling({}, folder.file("there"));
  FirstValues(config, vocabulary()).load(*one);
  load_checkpoint(checkpoint_folder(folder.file("here"), 0), *two);
  EXPECT_EQ(differing(*one, *two), std::vector<std::string>{});
}

TEST_F(CheckpointRanks, AnErrorOfOneIsEveryonesAndLeavesNothing) {
  if (in_rank()) {
    const auto mesh = start_rank();
    const auto trainer = trainer_on(mesh, true);
    trainer->step();
    const auto good = save_checkpoint(folder_, *trainer, "");
    trainer->step();
    std::string text;
    {
      std::optional<FileSizeLimit> full;
      if (mesh.rank() == 1) {
        full.emplace(1000);
      }
      text = message_of<RunError>([&] { save_checkpoint(folder_, *trainer, ""); });
    }
    EXPECT_THAT(gather_texts(*mesh.control, text, "messages"),
                Each(AllOf(HasSubstr("rank 1: '"), HasSubstr("model-00002-of-00002.safetensors': cannot be written"))));
    EXPECT_FALSE(fs::exists(folder_ + "/checkpoints/.saving"));
    EXPECT_EQ(find_checkpoint(folder_), good);
    on_every_rank(*mesh.control, "looking", [] {});  // before anyone saves again
    EXPECT_EQ(problem_of_checkpoint(save_checkpoint(folder_, *trainer, "")), "");
    return;
  }
  TempDir folder;
  run_ranks(2, "", folder.path());
}

TEST_F(CheckpointRanks, WhatOneFindsDamagedAllPassOver) {
  if (in_rank()) {
    const auto mesh = start_rank();
    const auto trainer = trainer_on(mesh, true);
    if (phase_ == "train") {
      for (int i = 0; i < 3; ++i) {
        trainer->step();
        save_checkpoint(folder_, *trainer, "");
      }
      return;
    }
    // The other rank's view of the disk is another one.
    const auto run = mesh.first() ? folder_ : folder_ + "-2";
    if (phase_ == "resume") {
      EXPECT_EQ(reached_step(run, mesh), 1);
      EXPECT_TRUE(resume_newest(run, *trainer));
      EXPECT_EQ(trainer->progress().step, 1);
      return;
    }
    EXPECT_EQ(reached_step(run, mesh), -1);
    EXPECT_THAT(message_of<CheckError>([&] { resume_newest(run, *trainer); }),
                AllOf(HasSubstr("no checkpoint is good:\n  "), HasSubstr("step-00000001: rank 1: '")));
    return;
  }
  TempDir folder;
  const auto run = folder.file("run"), seen = folder.file("run-2");
  run_ranks(2, "train", run);
  fs::copy(run, seen, fs::copy_options::recursive);
  for (const auto& place : {run, seen}) {  // everyone's, and found by the one that hashes it
    const auto path = checkpoint_folder(place, 3) + "/optimizer-00002-of-00002.safetensors";
    auto bytes = read_bytes(path);
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    std::ofstream(path, std::ios::binary) << bytes;
  }
  fs::remove(checkpoint_folder(seen, 2) + "/model-00001-of-00002.safetensors");  // missing for one
  run_ranks(2, "resume", run);
  EXPECT_TRUE(fs::exists(checkpoint_folder(run, 3) + ".damaged"));
  EXPECT_TRUE(fs::exists(checkpoint_folder(run, 2) + ".damaged"));
  EXPECT_TRUE(fs::exists(checkpoint_folder(run, 1)));
  fs::remove(checkpoint_folder(seen, 1) + "/state.json");
  run_ranks(2, "none", run);
  EXPECT_TRUE(fs::exists(checkpoint_folder(run, 1))) << "with none good nothing is touched";
}

// One dies while it writes: nobody waits for it for long, and the checkpoint before is the newest.
TEST_F(CheckpointRanks, OneThatDiesWhileSavingLeavesTheOneBefore) {
  if (in_rank()) {
    const auto mesh = start_rank();
    const auto trainer = trainer_on(mesh, false);
    trainer->step();
    save_checkpoint(folder_, *trainer, "");
    trainer->step();
    CheckpointSaver saver(folder_, mesh, 1);
    saver.start(*trainer, "");
    if (mesh.rank() == 1) {
      ::raise(SIGKILL);
    }
    try {
      saver.finish();
    } catch (const RankFailure& failure) {
      EXPECT_THAT(failure.what(), HasSubstr("saving a checkpoint"));
    }
    EXPECT_FALSE(fs::exists(folder_ + "/checkpoints/.saving"));
    return;
  }
  TempDir folder;
  TestRanks ranks(2, {"MOE_TEST_FOLDER=" + folder.path()});
  EXPECT_EQ(ranks.wait(60), (std::vector<int>{0, 128 + SIGKILL})) << ranks.printed();
  EXPECT_NO_THROW(find_checkpoint(folder.path()));  // of step 2, should it have been quicker
}

}  // namespace
}  // namespace moe

// What is saved comes back bit for bit, and what is not whole is refused with its name.
#include "train/checkpoint.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/tiny_trainer.h"

namespace moe {
namespace {

namespace fs = std::filesystem;

std::vector<int64_t> steps_in(const std::string& run) {
  std::vector<int64_t> steps;
  for (const auto& [step, folder] : list_checkpoints(run)) steps.push_back(step);
  return steps;
}

void flip_a_byte(const std::string& path, size_t at) {
  auto bytes = read_bytes(path);
  bytes.at(at) = static_cast<char>(bytes.at(at) ^ 1);
  std::ofstream(path, std::ios::binary) << bytes;
}

class CheckpointTest : public ::testing::Test {
 protected:
  std::unique_ptr<Trainer> trained(int64_t steps) {
    auto trainer = tiny_trainer(config_);
    for (int64_t i = 0; i < steps; ++i) trainer->step();
    return trainer;
  }
  std::string save(Trainer& trainer, int64_t keep = 2) {
    return save_checkpoint(run_, trainer, "the config", keep);
  }

  TinyRun tiny_;
  RunConfig config_ = tiny_config(tiny_, {"model.moe.gate.kind=dselect_k"});
  std::string run_ = tiny_.file("run");
};

TEST_F(CheckpointTest, HoldsEverythingThatTrainingNeeds) {
  auto one = trained(3);
  const auto folder = save(*one);
  EXPECT_EQ(folder, run_ + "/checkpoints/step-00000003");
  auto two = tiny_trainer(config_);
  EXPECT_FALSE(differing(*one, *two).empty());
  load_checkpoint(folder, *two);
  EXPECT_EQ(differing(*one, *two), std::vector<std::string>{});
  const auto &a = one->progress(), &b = two->progress();
  EXPECT_EQ(b.step, 3);
  EXPECT_EQ(b.row, 3 * 4);
  EXPECT_EQ(b.tokens, 3 * 64);
  EXPECT_EQ(b.target_tokens, a.target_tokens);
  EXPECT_GT(b.flops, 0);
  EXPECT_EQ(b.flops, a.flops);
  EXPECT_EQ(b.flops_attention, a.flops_attention);
  EXPECT_EQ(b.flops_executed, a.flops_executed);
  EXPECT_EQ(two->optimizer().steps(), 3);
  one->step();
  two->step();
  EXPECT_EQ(differing(*one, *two), std::vector<std::string>{});
}

TEST_F(CheckpointTest, TellsItsConfigAndParametersAlone) {
  auto one = trained(1);
  const auto folder = save(*one);
  EXPECT_EQ(checkpoint_config(folder), "the config");
  auto two = tiny_trainer(config_);
  load_parameters(folder, *two->model().decoder);
  const auto expected = one->model().decoder->named_parameters();
  for (const auto& item : two->model().decoder->named_parameters()) {
    EXPECT_TRUE(at::equal(item.value(), expected[item.key()])) << item.key();
  }
}

TEST_F(CheckpointTest, KeepsTheNewest) {
  auto trainer = tiny_trainer(config_);
  for (int i = 0; i < 4; ++i) {
    trainer->step();
    save(*trainer, 2);
  }
  EXPECT_EQ(steps_in(run_), (std::vector<int64_t>{4, 3}));
  save(*trainer, 1);
  EXPECT_EQ(steps_in(run_), std::vector<int64_t>{4});
  EXPECT_FALSE(fs::exists(run_ + "/checkpoints/.saving"));
}

TEST_F(CheckpointTest, ListsFinishedCheckpointsOnlyNewestFirst) {
  for (const char* name : {"step-00000009", "step-00000010", "step-123456789", ".saving",
                           "step-00000011.damaged", "step-", "step-1x", "other"}) {
    fs::create_directories(run_ + "/checkpoints/" + name);
  }
  EXPECT_EQ(steps_in(run_), (std::vector<int64_t>{123456789, 10, 9}));
  EXPECT_TRUE(list_checkpoints(tiny_.file("nothing")).empty());
}

TEST_F(CheckpointTest, AnInterruptedSaveIsReplaced) {
  fs::create_directories(run_ + "/checkpoints/.saving");
  std::ofstream(run_ + "/checkpoints/.saving/model.safetensors") << "half a file";
  auto trainer = trained(1);
  EXPECT_EQ(find_checkpoint(run_), save(*trainer));
}

TEST_F(CheckpointTest, RefusesAnotherModelWithTheListOfTensors) {
  auto trainer = trained(1);
  const auto folder = save(*trainer);
  auto other = tiny_trainer(tiny_config(tiny_, {"model.layers=1", "model.active_width=64",
                                                "model.moe.gate.kind=top_k"}));
  const auto text = message_of<CheckError>([&] { load_checkpoint(folder, *other); });
  const auto path = folder + "/model.safetensors: its tensors do not fit this model:";
  EXPECT_EQ(text.rfind(path, 0), 0u) << text;
  for (const char* line :
       {"\n  missing: ", "\n  unexpected: ", "expected F32 [4, 32, 16], found F32 [4, 16, 16]"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << " is not in\n" << text;
  }
}

TEST_F(CheckpointTest, NamesTheFileThatIsDamaged) {
  auto trainer = trained(1);
  for (const char* name : {"model.safetensors", "optimizer.safetensors", "state.json"}) {
    const auto folder = save(*trainer);
    flip_a_byte(folder + "/" + name, 100);
    for (const auto& text : {message_of<CheckError>([&] { load_checkpoint(folder, *trainer); }),
                             message_of<CheckError>([&] { checkpoint_config(folder); }),
                             message_of<CheckError>([&] { find_checkpoint(folder); })}) {
      EXPECT_EQ(text.rfind(folder + ": ", 0), 0u) << text;
      EXPECT_NE(text.find(name), std::string::npos) << text;
    }
  }
}

TEST_F(CheckpointTest, RefusesFilesThatAreMissingOrMore) {
  auto trainer = trained(1);
  auto folder = save(*trainer);
  std::ofstream(folder + "/extra") << "x";
  EXPECT_NE(message_of<CheckError>([&] { find_checkpoint(folder); }).find("extra"),
            std::string::npos);
  folder = save(*trainer);
  fs::remove(folder + "/optimizer.safetensors");
  EXPECT_NE(message_of<CheckError>([&] { find_checkpoint(folder); }).find("optimizer.safetensors"),
            std::string::npos);
}

TEST_F(CheckpointTest, ARunsNewestGoodOneIsFound) {
  auto trainer = tiny_trainer(config_);
  std::vector<std::string> folders;
  for (int i = 0; i < 3; ++i) {
    trainer->step();
    folders.push_back(save(*trainer, 9));
  }
  EXPECT_EQ(find_checkpoint(run_), folders[2]);
  EXPECT_EQ(find_checkpoint(folders[0]), folders[0]);
  flip_a_byte(folders[2] + "/model.safetensors", 500);
  EXPECT_EQ(find_checkpoint(run_), folders[1]);
  flip_a_byte(folders[1] + "/state.json", 50);
  fs::remove(folders[0] + "/manifest.json");
  const auto text = message_of<CheckError>([&] { find_checkpoint(run_); });
  EXPECT_EQ(text.rfind(run_ + ": none of its checkpoints is good:\n  " + folders[2] + ": ", 0), 0u)
      << text;
  for (const auto& folder : folders) EXPECT_NE(text.find(folder), std::string::npos) << text;
}

TEST_F(CheckpointTest, SaysWhatWasExpectedWhereThereIsNone) {
  EXPECT_EQ(message_of<RunError>([&] { find_checkpoint(tiny_.folder()); }),
            tiny_.folder() + ": expected a checkpoint folder (with manifest.json) or a run's folder "
                             "(with checkpoints/), found neither");
}

}  // namespace
}  // namespace moe

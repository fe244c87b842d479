// What is saved comes back bit for bit, and what is not whole is refused with its name.
#include "train/checkpoint.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "data/formats/manifest.h"
#include "tests/support/file_size_limit.h"
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
  std::string save(Trainer& trainer) { return save_checkpoint(run_, trainer, "the config"); }

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

// What a rollback does too: it loads a checkpoint into the trainer that went on.
TEST_F(CheckpointTest, HoldsTheStateOfGatesAndGoesBackToIt) {
  for (const std::string gate :
       {"{kind: bias_balanced}", "{kind: relu, k: 1}",
        "{kind: hierarchical, outer: {kind: relu}, inner: {kind: bias_balanced, k: 1}}"}) {
    SCOPED_TRACE(gate);
    run_ = tiny_.file("run-" + gate.substr(7, 4));
    config_ = tiny_config(tiny_, {"model.moe.gate=" + gate});
    // One step after the save: relu's lambda could be back after two.
    const auto first = tiny_trainer(config_), one = trained(3), whole = trained(4);
    const auto buffers_differ = [](Trainer& a, Trainer& b) {
      const auto other = b.model().decoder->named_buffers();
      int64_t count = 0;
      for (const auto& item : a.model().decoder->named_buffers()) {
        count += !at::equal(item.value(), other[item.key()]);
      }
      return count;
    };
    EXPECT_GT(buffers_differ(*first, *one), 0) << "steps change it";
    const auto folder = save(*one);
    one->step();
    EXPECT_EQ(differing(*one, *whole), std::vector<std::string>{});
    load_checkpoint(folder, *one);
    EXPECT_GT(buffers_differ(*one, *whole), 0);
    one->step();
    EXPECT_EQ(differing(*one, *whole), std::vector<std::string>{});
  }
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

TEST_F(CheckpointTest, ASaveThatFailsMidwayLeavesNothing) {
  auto trainer = trained(1);
  const auto good = save(*trainer);
  trainer->step();
  const auto whole = fs::file_size(good + "/model.safetensors");
  for (const auto limit : {uint64_t{0}, whole / 2, whole}) {  // in the first file, in the second
    const FileSizeLimit full(limit);
    const auto text = message_of<RunError>([&] { save(*trainer); });
    EXPECT_NE(text.find("cannot be written: File too large"), std::string::npos) << text;
    EXPECT_NE(text.find(limit < whole ? "model.safetensors" : "optimizer.safetensors"),
              std::string::npos) << text;
    EXPECT_FALSE(fs::exists(run_ + "/checkpoints/.saving"));
  }
  EXPECT_EQ(find_checkpoint(run_), good);
  EXPECT_EQ(steps_in(run_), std::vector<int64_t>{1});
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

TEST_F(CheckpointTest, AFifoOrADirectoryInPlaceOfAFileDoesNotHang) {
  auto trainer = trained(1);
  for (const char* name :
       {"model.safetensors", "optimizer.safetensors", "state.json", "manifest.json"}) {
    for (const bool fifo : {true, false}) {
      const auto folder = save(*trainer);
      const auto path = folder + "/" + name;
      fs::remove(path);
      if (fifo) {
        ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
      } else {
        fs::create_directory(path);
      }
      const auto text = message_of<CheckError>([&] { load_checkpoint(folder, *trainer); });
      EXPECT_NE(text.find(path), std::string::npos) << text;
      EXPECT_NE(text.find(fifo ? "found a FIFO" : "found a directory"), std::string::npos) << text;
    }
  }
}

// Hashes that fit: what someone made so, or another program wrote.
class ForeignCheckpointTest : public CheckpointTest {
 protected:
  // Puts this in the place of a file and describes it in the manifest. Returns what loading says.
  std::string loading_with(const std::string& name, const std::string& bytes) {
    auto trainer = trained(1);
    const auto folder = save(*trainer);
    std::ofstream(folder + "/" + name, std::ios::binary) << bytes;
    Manifest manifest;
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string file = entry.path().filename();
      if (file != "manifest.json") manifest[file] = hash_file(entry.path());
    }
    write_manifest(folder, manifest);
    const auto text = message_of<CheckError>([&] { load_checkpoint(folder, *trainer); });
    EXPECT_EQ(text.rfind(folder, 0), 0u) << text;
    EXPECT_NE(text.find(name), std::string::npos) << text;
    return text;
  }
};

TEST_F(ForeignCheckpointTest, EachIsRefusedByASentence) {
  const std::vector<std::pair<std::string, std::string>> states = {
      {"", "expected a JSON object, found ''"},
      {"[]", "expected a JSON object, found '[]'"},
      {"{\"a\":" + std::string(1'000'000, '['), "at most 16 levels of nesting"},
      {std::string((1 << 24) + 1, ' '), "expected at most 16777216 bytes, found 16777217"},
      {"{\"format\":1,\"format\":1}", "every key once, found 'format' twice"},
      {"{\"format\":2}", "expected an object with \"format\": 1"},
      {"{\"format\":1}", "step: expected a whole number from 0 on, found none"},
      {"{\"format\":1,\"step\":1e300}", "step: expected a whole number from 0 on, found '1e+300'"},
      {"{\"format\":1,\"step\":-1}", "step: expected a whole number from 0 on, found '-1'"},
      {"{\"format\":1,\"step\":1,\"row\":1,\"tokens\":\"x\"}", "tokens: expected a number"},
  };
  for (const auto& [state, expected] : states) {
    const auto text = loading_with("state.json", state);
    EXPECT_NE(text.find(expected), std::string::npos) << text;
  }
  for (const char* name : {"model.safetensors", "optimizer.safetensors"}) {
    auto text = loading_with(name, "no safetensors file");
    EXPECT_NE(text.find("header length"), std::string::npos) << text;
    text = loading_with(name, std::string("\2\0\0\0\0\0\0\0{}", 10));
    EXPECT_NE(text.find("its tensors do not fit this model:\n  missing: "), std::string::npos) << text;
  }
  const auto text = loading_with("model-00002-of-00002.safetensors", "x");
  EXPECT_NE(text.find("expected no entry for 'model-00002-of-00002.safetensors'"),
            std::string::npos) << text;
}

TEST_F(CheckpointTest, ARunsNewestGoodOneIsFound) {
  auto trainer = tiny_trainer(config_);
  std::vector<std::string> folders;
  for (int i = 0; i < 3; ++i) {
    trainer->step();
    folders.push_back(save(*trainer));
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

// The smallest run on several ranks: moe-train started N times on one folder, and what its end is held
// against.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <utility>

#include <torch/cuda.h>

#include "configs/errors.h"
#include "tests/support/ranks.h"
#include "tests/support/tiny_run.h"
#include "train/checkpoint_files.h"

namespace moe {

using Words = std::vector<std::string>;

struct Layout {
  int ranks = 1, expert = 1;
  bool shard = false;

  Words words() const {
    return {"parallel.expert=" + std::to_string(expert),
            std::string("parallel.shard_optimizer=") + (shard ? "true" : "false")};
  }
  std::string text() const {
    return std::to_string(ranks) + " ranks, expert " + std::to_string(expert) + (shard ? ", sharded" : "");
  }
  bool operator==(const Layout&) const = default;
};

inline Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

inline size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != text.npos; at += part.size()) ++count;
  return count;
}

// Whether ranks are to train on GPUs, by NCCL, one each: ctest's second list of these tests, labelled `gpu`.
inline bool on_gpus() {
  const char* device = std::getenv("MOE_TEST_DEVICE");
  return device && std::string(device) == "cuda";
}

class TinyRanks : public ::testing::Test {
 protected:
  void SetUp() override {
    constexpr int kMost = 4;
    if (on_gpus() && torch::cuda::device_count() < kMost) {
      GTEST_SKIP() << "needs " << kMost << " GPUs, one for each rank; found " << torch::cuda::device_count();
    }
  }

  static constexpr double kHang = 60;     // seconds after which a test calls it one
  static constexpr double kTimeout = 5;   // parallel.timeout where a rank is to be missed
  static constexpr double kPatience = 30; // where none is: a busy machine starts ranks slowly
  // From a rank's end to the last of the others': the timeout, and the look at what each of them does.
  static constexpr double kNoticed = kTimeout + 6;

  static Words timeout(double seconds) { return {"parallel.timeout=" + std::to_string(seconds)}; }
  static Words run_words(const std::string& run) {
    return {"run.dir=" + run, "log.tensorboard=false", std::string("train.device=") + (on_gpus() ? "cuda" : "cpu")};
  }

  // `words` may say another parallel.timeout: the last one counts.
  std::unique_ptr<Ranks> start(const Layout& layout, const std::string& run, const Words& words,
                               const std::vector<int>& left_out = {}) const {
    return std::make_unique<Ranks>(
        layout.ranks, tiny_.command(run_words(run) + layout.words() + timeout(kPatience) + words),
        tiny_.folder(), Words(), left_out);
  }
  // To the end, which `code` is, on every rank. Returns what all have printed.
  std::string train(const Layout& layout, const std::string& run, const Words& words, int code = kDone) const {
    const auto ranks = start(layout, run, words);
    expect_all(*ranks, code);
    return ranks->printed();
  }
  static void expect_all(Ranks& ranks, int code, double seconds = kHang) {
    EXPECT_EQ(ranks.wait(seconds), std::vector<int>(static_cast<size_t>(ranks.size()), code))
        << ranks.printed();
  }

  // Waits until the rows of `run` are other than they were; false: a rank has ended instead.
  bool rows_change(Ranks& ranks, const std::string& run, size_t before, size_t by = 1) const {
    const auto path = tiny_.file(run + "/metrics.jsonl");
    bool there = false;
    eventually([&] {
      const auto now = lines_in(path);
      there = now >= before + by || now < before;
      return there || !ranks[0].running();
    });
    return there;
  }
  size_t rows_so_far(const std::string& run) const { return lines_in(tiny_.file(run + "/metrics.jsonl")); }

  std::string checkpoint(const std::string& run, int64_t step) const {
    return checkpoint_folder(tiny_.file(run), step);
  }
  // Of all that are there, which must be whole.
  std::vector<int64_t> saved_steps(const std::string& run) const {
    std::vector<int64_t> steps;
    for (const auto& [step, folder] : list_checkpoints(tiny_.file(run))) {
      EXPECT_EQ(problem_of_checkpoint(folder), "");
      steps.push_back(step);
    }
    return steps;
  }
  // Every rank's parameters and moments at that step, by file.
  std::map<std::string, std::string> parts(const std::string& run, int64_t step) const {
    std::map<std::string, std::string> bytes;
    for (const auto& entry : std::filesystem::directory_iterator(checkpoint(run, step))) {
      if (entry.path().extension() == ".safetensors") {
        bytes[entry.path().filename()] = read_bytes(entry.path());
      }
    }
    return bytes;
  }
  void expect_same_end(const std::string& run, const std::string& whole, int64_t step) const {
    ASSERT_TRUE(std::filesystem::exists(checkpoint(run, step)));
    const auto mine = parts(run, step), expected = parts(whole, step);
    EXPECT_FALSE(expected.empty());
    EXPECT_EQ(mine.size(), expected.size());
    for (const auto& [name, bytes] : expected) {
      EXPECT_FALSE(bytes.empty());
      const auto found = mine.find(name);
      EXPECT_TRUE(found != mine.end() && found->second == bytes) << name;
    }
    EXPECT_EQ(repeatable(tiny_.rows(run)), repeatable(tiny_.rows(whole)));
  }

  TinyRun tiny_;
};

// One byte of the file is another one.
inline void flip_byte(const std::string& path, size_t from_end = 1) {
  auto bytes = read_bytes(path);
  auto& byte = bytes.at(bytes.size() - from_end);
  byte = static_cast<char>(byte ^ 1);
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace moe

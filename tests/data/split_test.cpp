#include "data/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace moe {
namespace {

// One letter per byte, files apart by '|': t for training, v for validation, ! for neither or both.
std::string picture(const std::vector<int64_t>& file_bytes, const Split& split) {
  std::vector<std::string> files;
  for (const int64_t bytes : file_bytes) files.emplace_back(static_cast<size_t>(bytes), '.');
  const auto paint = [&files](const std::vector<FileRange>& ranges, char letter) {
    for (const auto& range : ranges) {
      for (int64_t i = range.begin; i < range.end; ++i) {
        char& at = files.at(static_cast<size_t>(range.file)).at(static_cast<size_t>(i));
        at = at == '.' ? letter : '!';
      }
    }
  };
  paint(split.train, 't');
  paint(split.valid, 'v');
  std::string all;
  for (const auto& file : files) all += (all.empty() ? "" : "|") + file;
  return all;
}

std::string picture(const std::vector<int64_t>& file_bytes, double fraction, int64_t block,
                    int64_t window) {
  return picture(file_bytes, split_text(file_bytes, fraction, block, window));
}

TEST(Split, TheMiddleBlockOfEveryRoundIsValidation) {
  EXPECT_EQ(picture({24}, 0.25, 2, 2), "ttttvvttttttvvttttttvvtt");
  EXPECT_EQ(picture({23}, 1.0 / 3, 3, 2), "tttvvvttttttvvvttttttvv");
}

TEST(Split, CountsAcrossFilesButCutsAtTheirEnds) {
  EXPECT_EQ(picture({5, 7, 12}, 0.25, 2, 2), "ttttv|vtttttt|vvttttttvvtt")
      << "rounds go on from file to file";
}

TEST(Split, BlocksShrinkToOneRound) { EXPECT_EQ(picture({12}, 0.25, 1000, 2), "ttttttvvvttt"); }

TEST(Split, BlocksHoldAWindow) {
  EXPECT_EQ(picture({40}, 0.25, 1, 5), "ttttttttttvvvvvtttttttttttttttvvvvvttttt");
}

TEST(Split, OneWindowInTheMiddleOfAShortText) {
  EXPECT_EQ(picture({20}, 0.02, 1000, 5), "tttttttvvvvvtttttttt");
  EXPECT_EQ(picture({11}, 0.02, 1000, 5), "ttttttvvvvv") << "no window fits before the middle";
  EXPECT_EQ(picture({3, 20, 4}, 0.02, 1000, 5), "ttt|tttttttvvvvvtttttttt|tttt");
}

TEST(Split, TooShortForBothSidesLeavesOneWithout) {
  const Split split = split_text({9}, 0.02, 1000, 5);
  EXPECT_FALSE(holds_window(split.train, 5) && holds_window(split.valid, 5));
}

// Whatever the sizes: every byte on exactly one side, ranges inside their files, and windows on
// both sides wherever one file has room for two.
TEST(Split, EveryByteIsOnOneSide) {
  std::mt19937_64 random(1);
  for (int trial = 0; trial < 3000; ++trial) {
    std::vector<int64_t> files(1 + random() % 6);
    for (auto& bytes : files) bytes = static_cast<int64_t>(1 + random() % 400);
    const double fraction = 1.0 / static_cast<double>(2 + random() % 60);
    const auto block = static_cast<int64_t>(1 + random() % 50);
    const auto window = static_cast<int64_t>(2 + random() % 60);
    const Split split = split_text(files, fraction, block, window);
    const std::string all = picture(files, split);
    ASSERT_EQ(all.find_first_of(".!"), std::string::npos) << all;
    if (*std::max_element(files.begin(), files.end()) >= 2 * window) {
      ASSERT_TRUE(holds_window(split.train, window) && holds_window(split.valid, window))
          << all << " window " << window;
    }
  }
}

TEST(Split, KeepsTheFractionInLongText) {
  const Split split = split_text({30'000'000, 10'000'000}, 0.02, 65536, 257);
  int64_t valid = 0;
  for (const auto& range : split.valid) valid += range.end - range.begin;
  EXPECT_NEAR(static_cast<double>(valid) / 40e6, 0.02, 0.002);
  EXPECT_GE(split.valid.size(), 12u);
}

TEST(Split, ATinyFractionDoesNotOverflow) {
  const Split split = split_text({1'000'000}, 1e-300, int64_t{1} << 62, 100);
  EXPECT_TRUE(holds_window(split.train, 100) && holds_window(split.valid, 100));
}

}  // namespace
}  // namespace moe

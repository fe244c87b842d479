#include "data/text_dataset.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "tests/support/temp_dir.h"

namespace moe {
namespace {

using Row = std::vector<int64_t>;

Row tokens_of(const Batch& batch, int64_t row) {
  const auto begin = batch.tokens.begin() + row * batch.length;
  return Row(begin, begin + batch.length);
}

// A text in a file of its own.
struct TextOnDisk {
  explicit TextOnDisk(const std::string& text)
      : file(folder.write_file("text", text), "data.train", folder.path()) {}
  TextRun run(int64_t begin, int64_t bytes) const {
    TextRun run;
    run.append(file, begin, begin + bytes);
    return run;
  }
  TextRun run() const { return run(0, file.bytes()); }
  TempDir folder;
  TextFile file;
};

// Text in which every stretch of 3 bytes occurs once, so that a row tells its place. Two runs share
// the text's start and end with bytes in between that belong to neither.
class TextDatasetTest : public testing::Test {
 protected:
  static constexpr int64_t kLength = 8;
  static constexpr std::pair<int64_t, int64_t> kRuns[] = {
      {0, 700}, {720, 5}, {800, 333}, {1150, kLength + 1}};  // begin, bytes

  TextDatasetTest() {
    for (int i = 0; i < 1000; ++i) {
      text_ += static_cast<char>(i % 251);
      text_ += static_cast<char>(i / 251 + 200);
    }
    disk_ = std::make_unique<TextOnDisk>(text_);
    for (const auto& [begin, bytes] : kRuns) runs_.push_back(disk_->run(begin, bytes));
  }
  // Where the row and its targets lie in the text.
  int64_t place_of(const Batch& batch, int64_t row) const {
    std::string bytes;
    for (int64_t i = 0; i < batch.length; ++i) {
      const auto at = static_cast<size_t>(row * batch.length + i);
      bytes += static_cast<char>(batch.tokens[at]);
      if (i + 1 < batch.length) {
        EXPECT_EQ(batch.targets[at], batch.tokens[at + 1]);
      } else {
        bytes += static_cast<char>(batch.targets[at]);
      }
    }
    const size_t place = text_.find(bytes);
    EXPECT_NE(place, std::string::npos) << "a row that is not in the text";
    EXPECT_EQ(text_.find(bytes, place + 1), std::string::npos);
    return static_cast<int64_t>(place);
  }
  // The run that holds the whole row with its targets, or -1.
  int run_with(int64_t place) const {
    for (size_t i = 0; i < runs_.size(); ++i) {
      const auto [begin, bytes] = kRuns[i];
      if (place >= begin && place + kLength + 1 <= begin + bytes) {
        return static_cast<int>(i);
      }
    }
    return -1;
  }
  std::shared_ptr<const TextDataset> training(uint64_t seed) const {
    return TextDataset::for_training(runs_, kLength, seed, nullptr);
  }

  std::string text_;
  std::unique_ptr<TextOnDisk> disk_;
  std::vector<TextRun> runs_;
};

TEST_F(TextDatasetTest, FillsTheBatch) {
  const Batch batch = training(1)->batch(3, 5);
  EXPECT_EQ(batch.rows, 5);
  EXPECT_EQ(batch.length, kLength);
  EXPECT_EQ(batch.tokens.size(), 40u);
  EXPECT_EQ(batch.targets.size(), 40u);
  EXPECT_EQ(batch.target_tokens, 40);
  EXPECT_TRUE(batch.positions.empty());
  EXPECT_TRUE(batch.segments.empty());
  EXPECT_TRUE(batch.prefix.empty());
}

TEST_F(TextDatasetTest, EveryEpochVisitsEveryWindowOnceAndNoneCrossesARun) {
  const auto data = training(1);
  const int64_t windows = data->rows_per_epoch();
  EXPECT_EQ(windows, 86 + 40 + 1) << "of 700, 333 and 9 bytes; the run of 5 holds none";
  for (int64_t epoch = 0; epoch < 20; ++epoch) {
    const Batch batch = data->batch(epoch * windows, windows);
    std::map<int, std::set<int64_t>> places;
    for (int64_t row = 0; row < windows; ++row) {
      const int64_t place = place_of(batch, row);
      const int run = run_with(place);
      ASSERT_GE(run, 0) << "a row at " << place << " crosses its run";
      ASSERT_TRUE(places[run].insert(place).second) << "a window was visited twice";
    }
    for (const auto& [run, of_run] : places) {  // side by side, so none is left out in between
      EXPECT_EQ(*of_run.rbegin() - *of_run.begin(),
                kLength * (static_cast<int64_t>(of_run.size()) - 1));
    }
    EXPECT_EQ(places[0].size(), 86u);
    EXPECT_EQ(places[2].size(), 40u);
    EXPECT_EQ(places[3].size(), 1u);
  }
}

TEST_F(TextDatasetTest, OffsetsReachEveryByteAndDifferBetweenEpochs) {
  const auto data = training(1);
  std::set<int64_t> offsets;
  std::set<int64_t> bytes;
  for (int64_t epoch = 0; epoch < 100; ++epoch) {
    const Batch batch = data->batch(epoch * data->rows_per_epoch(), data->rows_per_epoch());
    int64_t first = 1 << 20;
    for (int64_t row = 0; row < batch.rows; ++row) {
      const int64_t place = place_of(batch, row);
      first = std::min(first, place);
      for (int64_t i = 0; i <= kLength; ++i) bytes.insert(place + i);
    }
    offsets.insert(first);
  }
  EXPECT_GE(offsets.size(), static_cast<size_t>(kLength)) << "of the run of 700 bytes";
  EXPECT_EQ(bytes.size(), 700u + 333u + 9u) << "every byte of a run long enough is in some row";
}

TEST_F(TextDatasetTest, RowsAreAFunctionOfSeedAndNumber) {
  const auto data = training(1);
  const int64_t windows = data->rows_per_epoch();
  EXPECT_EQ(data->batch(0, 50).tokens, training(1)->batch(0, 50).tokens);
  EXPECT_NE(data->batch(0, 50).tokens, training(2)->batch(0, 50).tokens);
  EXPECT_NE(data->batch(0, 50).tokens, data->batch(windows, 50).tokens) << "epochs differ in order";
  const Batch over_border = data->batch(2 * windows - 4, 9);
  for (int64_t i = 0; i < 9; ++i) {
    EXPECT_EQ(tokens_of(over_border, i), tokens_of(data->batch(2 * windows - 4 + i, 1), 0));
  }
}

TEST_F(TextDatasetTest, ValidationIsAFixedListOfWindowsFromTheStart) {
  const auto data = TextDataset::for_validation(runs_, kLength, nullptr);
  const int64_t windows = data->rows_per_epoch();
  EXPECT_EQ(windows, 87 + 41 + 1);
  const Batch first = data->batch(0, windows);
  EXPECT_EQ(first.tokens, data->batch(windows, windows).tokens);
  std::set<int64_t> places;
  bool in_order = true;
  int64_t before = -1;
  for (int64_t row = 0; row < windows; ++row) {
    const int64_t place = place_of(first, row);
    const int run = run_with(place);
    ASSERT_GE(run, 0);
    const int64_t begin = kRuns[static_cast<size_t>(run)].first;
    EXPECT_EQ((place - begin) % kLength, 0);
    in_order = in_order && place > before;
    before = place;
    places.insert(place);
  }
  EXPECT_EQ(static_cast<int64_t>(places.size()), windows);
  EXPECT_FALSE(in_order) << "the first rows must be a sample from all over the text";
}

TEST_F(TextDatasetTest, MayBeReadFromManyThreads) {
  const auto data = training(5);
  const Batch expected = data->batch(100, 200);
  std::vector<Batch> found(4);
  std::vector<std::thread> threads;
  for (auto& batch : found) threads.emplace_back([&] { batch = data->batch(100, 200); });
  for (auto& thread : threads) thread.join();
  for (const auto& batch : found) EXPECT_EQ(batch.tokens, expected.tokens);
}

TEST(TextDataset, KeepsItsTextAlive) {
  auto text = std::make_shared<TextOnDisk>(std::string(100, 'x'));
  std::weak_ptr<TextOnDisk> watch = text;
  auto data = TextDataset::for_validation({text->run()}, 10, text);
  text.reset();
  EXPECT_FALSE(watch.expired());
  data.reset();
  EXPECT_TRUE(watch.expired());
}

TEST(TextDataset, ShortestRunHasOneWindow) {
  const TextOnDisk text("abcdefghi");
  const auto data = TextDataset::for_training({text.run()}, 8, 1, nullptr);
  EXPECT_EQ(data->rows_per_epoch(), 1);
  EXPECT_EQ(data->batch(41, 1).targets.back(), 'i');
  EXPECT_THROW(TextDataset::for_training({text.run()}, 9, 1, nullptr), std::invalid_argument);
  EXPECT_THROW(data->batch(-1, 1), std::invalid_argument);
}

}  // namespace
}  // namespace moe

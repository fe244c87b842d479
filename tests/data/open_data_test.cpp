#include "data/open_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "configs/errors.h"
#include "data/expand_paths.h"
#include "tests/support/gzip.h"
#include "tests/support/temp_dir.h"

namespace moe {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class OpenDataTest : public testing::Test {
 protected:
  OpenDataTest() { config_.cache = cache_.path(); }
  std::string error(int64_t length = 8) {
    return message_of<RunError>([&] { open_data(config_, causal_, length, 1); });
  }
  TempDir folder_;
  TempDir cache_;
  DataConfig config_;
  const KindChoice causal_{objective_kinds(), "causal"};
};

// Bytes that tell their place: 'V' is in validation blocks only.
TEST_F(OpenDataTest, NoByteOfValidationIsInATrainingRow) {
  constexpr int64_t kBlock = 1024;
  std::string text;
  for (int block = 0; block < 40; ++block) text += std::string(kBlock, block % 4 == 2 ? 'V' : 't');
  config_.train = {folder_.write_file("a.txt", text)};
  config_.valid_fraction = 0.25;
  config_.block_bytes = kBlock;
  const Datasets data = open_data(config_, causal_, 16, 1);
  EXPECT_EQ(data.train_bytes, 30 * kBlock);
  EXPECT_EQ(data.valid_bytes, 10 * kBlock);
  const Batch train = data.train->batch(0, 5 * data.train->rows_per_epoch());
  const Batch valid = data.valid[0].rows->batch(0, data.valid[0].rows->rows_per_epoch());
  const auto all = [](const std::vector<int64_t>& ids, char c) {
    return std::all_of(ids.begin(), ids.end(), [c](int64_t id) { return id == c; });
  };
  EXPECT_TRUE(all(train.tokens, 't') && all(train.targets, 't'));
  EXPECT_TRUE(all(valid.tokens, 'V') && all(valid.targets, 'V'));
}

TEST_F(OpenDataTest, ReadsAFewKilobytes) {
  config_.train = {folder_.write_file("own.txt", std::string(3000, 'x'))};
  const Datasets data = open_data(config_, causal_, 256, 1);
  EXPECT_GE(data.train->rows_per_epoch(), 8);
  EXPECT_GE(data.valid[0].rows->rows_per_epoch(), 1);
  EXPECT_EQ(data.train_bytes + data.valid_bytes, 3000);
}

TEST_F(OpenDataTest, ReadsPlainAndGzipTogether) {
  config_.train = {folder_.write_file("a.txt", std::string(4000, 'a')),
                   folder_.write_file("b.gz", gzip(std::string(4000, 'b')))};
  config_.valid = {folder_.write_file("c.gz", gzip(std::string(50, 'c')))};
  const Datasets data = open_data(config_, causal_, 8, 1);
  EXPECT_EQ(data.train_bytes, 8000);
  EXPECT_EQ(data.valid_bytes, 50);
  const Batch batch = data.train->batch(0, data.train->rows_per_epoch());
  EXPECT_GT(std::count(batch.tokens.begin(), batch.tokens.end(), 'a'), 3900);
  EXPECT_GT(std::count(batch.tokens.begin(), batch.tokens.end(), 'b'), 3900);
  EXPECT_EQ(data.valid[0].rows->rows_per_epoch(), 6);
}

TEST_F(OpenDataTest, ValidationIsTheSameForEverySeed) {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += static_cast<char>(i * i % 251);
  config_.train = {folder_.write_file("a.txt", text)};
  const Datasets one = open_data(config_, causal_, 32, 1);
  const Datasets two = open_data(config_, causal_, 32, 2);
  EXPECT_EQ(one.valid[0].rows->batch(0, 20).tokens, two.valid[0].rows->batch(0, 20).tokens);
  EXPECT_NE(one.train->batch(0, 20).tokens, two.train->batch(0, 20).tokens);
}

TEST_F(OpenDataTest, SourcesAreMixedByWeightAndValidatedSeparately) {
  const auto source = [&](const std::string& name, char byte, size_t bytes, double weight) {
    SourceConfig config;
    config.train = {folder_.write_file(name + ".txt", std::string(bytes, byte))};
    config.weight = weight;
    config_.sources.emplace_back(name, config);
  };
  source("small", 's', 3000, 3);
  source("large", 'l', 40000, 1);
  const Datasets data = open_data(config_, causal_, 16, 1);
  const Batch batch = data.train->batch(0, 1000);
  EXPECT_EQ(std::count(batch.tokens.begin(), batch.tokens.end(), 's'), 750 * 16);
  EXPECT_EQ(std::count(batch.tokens.begin(), batch.tokens.end(), 'l'), 250 * 16);
  ASSERT_EQ(data.valid.size(), 2u);
  EXPECT_EQ(data.valid[0].name, "small");
  EXPECT_EQ(data.valid[0].share, 0.75);
  EXPECT_EQ(data.valid[1].share, 0.25);
  EXPECT_EQ(data.valid[1].rows->batch(0, 1).tokens, std::vector<int64_t>(16, 'l'));
  EXPECT_EQ(data.train_bytes + data.valid_bytes, 43000) << "of all sources";
  config_.sources[1].second.train = {folder_.write_file("short.txt", "xyz")};
  EXPECT_THAT(error(), HasSubstr("data.sources.large.train: '" + folder_.file("short.txt") +
                                 "': expected a file of at least 18 bytes"));
}

// Row n of one source must not be cut where row n of another is.
TEST_F(OpenDataTest, SourcesHaveNoiseOfTheirOwn) {
  for (const char* name : {"one", "two"}) {
    SourceConfig source;
    source.train = {folder_.write_file(std::string(name) + ".txt", std::string(40000, name[0]))};
    config_.sources.emplace_back(name, source);
  }
  const Datasets data = open_data(config_, KindChoice(objective_kinds(), "prefix"), 32, 1);
  const auto batch = data.train->batch(0, 64);
  const auto split = [&](int64_t row) {
    return std::count(batch.prefix.begin() + row * 32, batch.prefix.begin() + (row + 1) * 32, 1);
  };
  int same = 0;
  for (int64_t row = 0; row < 64; row += 2) same += split(row) == split(row + 1);
  EXPECT_LT(same, 10);  // of 32, by chance one
  EXPECT_NE(data.valid[1].rows->batch(0, 20).prefix, data.valid[3].rows->batch(0, 20).prefix);
}

TEST_F(OpenDataTest, DocumentsPackRowsAcrossShortFiles) {
  for (const char name : {'a', 'b', 'c', 'd', 'e', 'f'}) {
    const std::string file(1, name);
    config_.train.push_back(folder_.write_file(file, std::string(10, name)));
    config_.valid.push_back(folder_.write_file(file + "-valid", std::string(7, name)));
  }
  EXPECT_THAT(error(16), HasSubstr("expected a file of at least 17 bytes for a row"));
  config_.documents = "file";
  const Datasets data = open_data(config_, causal_, 16, 1);
  const Batch valid = data.valid[0].rows->batch(0, data.valid[0].rows->rows_per_epoch());
  EXPECT_EQ(valid.rows, 2) << "of 42 bytes";
  EXPECT_EQ(std::count(valid.targets.begin(), valid.targets.end(), 256), 4) << "4 files end in them";
  EXPECT_EQ(data.train->rows_per_epoch(), 2) << "of 60 bytes: a row's width is kept for the offset";
  config_.valid.clear();
  EXPECT_EQ(open_data(config_, causal_, 16, 1).valid[0].rows->rows_per_epoch(), 1) << "split as one text";
  EXPECT_THAT(error(64), HasSubstr("expected text of at least 130 bytes for one training and one "
                                   "validation row of 64 tokens, found at most 60"));
}

TEST_F(OpenDataTest, SaysWhatIsTooShort) {
  config_.train = {folder_.write_file("a.txt", std::string(17, 'x'))};
  EXPECT_THAT(error(), AllOf(HasSubstr("data.train: '"),
                             HasSubstr("a.txt': expected a file of at least 18 bytes for one "
                                       "training and one validation row of 8 tokens, found at most "
                                       "17; give longer text or lower model.context")));
  config_.valid = {folder_.write_file("b.txt", std::string(8, 'x'))};
  EXPECT_THAT(error(), HasSubstr("data.valid: '" + folder_.file("b.txt") +
                                 "': expected a file of at least 9 bytes for a row of 8 tokens"));
  std::swap(config_.train, config_.valid);
  EXPECT_THAT(error(), HasSubstr("data.train: '" + folder_.file("b.txt")));
}

TEST_F(OpenDataTest, OneFileOnBothSidesIsAnError) {
  const std::string path = folder_.write_file("a.txt", std::string(100, 'x'));
  std::filesystem::create_symlink(path, folder_.file("link.txt"));
  config_.train = {path};
  config_.valid = {folder_.file("link.txt")};
  EXPECT_THAT(error(), AllOf(HasSubstr("data.valid: '" + folder_.file("link.txt")),
                             HasSubstr("is also in data.train as '" + path)));
  config_.valid.clear();
  config_.sources = {{"a", {{path}, {}, 1}}, {"b", {{folder_.file("link.txt")}, {}, 1}}};
  config_.train.clear();
  EXPECT_EQ(error(), "data.sources.b.train: '" + folder_.file("link.txt") +
                         "' is also in data.sources.a.train as '" + path +
                         "'; remove it from one of the two");
}

TEST_F(OpenDataTest, BadFilesAreNamedWithTheirKey) {
  config_.train = {folder_.write_file("a.txt", std::string(100, 'x'))};
  config_.valid = {folder_.file("none.txt")};
  EXPECT_THAT(error(), HasSubstr("data.valid: '" + folder_.file("none.txt") + "': no such file"));
  config_.valid = {folder_.write_file("empty.txt", "")};
  EXPECT_THAT(error(), HasSubstr("data.valid: '" + folder_.file("empty.txt")));
  config_.valid = {folder_.file("*.md")};
  EXPECT_THAT(error(), AllOf(HasSubstr("data.valid: '" + folder_.file("*.md")),
                             HasSubstr("expected a glob that matches files, found none")));
}

TEST(ExpandPaths, SortsByByteAndLeavesOutWhatWasMet) {
  TempDir folder;
  for (const char* name : {"b.txt", "a.txt", "B.txt", "c.md"}) folder.write_file(name, "x");
  std::filesystem::create_symlink(folder.file("a.txt"), folder.file("z.txt"));
  EXPECT_THAT(
      expand_paths({folder.file("c.md"), folder.file("*.txt"), folder.file("a.txt")}, "data.train"),
      ElementsAre(folder.file("c.md"), folder.file("B.txt"), folder.file("a.txt"),
                  folder.file("b.txt")));
}

TEST(ExpandPaths, ANameThatExistsIsNoGlob) {
  TempDir folder;
  folder.write_file("a[1].txt", "x");
  folder.write_file("a1.txt", "x");
  EXPECT_THAT(expand_paths({folder.file("a[1].txt")}, "data.train"),
              ElementsAre(folder.file("a[1].txt")));
}

}  // namespace
}  // namespace moe

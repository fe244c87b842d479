#include "data/documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "data/byte_tokenizer.h"
#include "data/text_dataset.h"
#include "tests/support/temp_dir.h"

namespace moe {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(SeparatorEnds, BelongToTheDocumentBefore) {
  EXPECT_THAT(separator_ends("one\n\ntwo\n\nthree", "\n\n"), ElementsAre(5, 10));
  EXPECT_THAT(separator_ends("one\ntwo", "\n\n"), IsEmpty());
  EXPECT_THAT(separator_ends("one", ""), IsEmpty());
  EXPECT_THAT(separator_ends("a<|end|>b<|end|>", "<|end|>"), ElementsAre(8, 16));
}

TEST(SeparatorEnds, ThatTouchAreOne) {
  EXPECT_THAT(separator_ends("a\n\n\nb", "\n\n"), ElementsAre(4));
  EXPECT_THAT(separator_ends("a\n\n\n\n\nb\n\n", "\n\n"), ElementsAre(6, 9));
  EXPECT_THAT(separator_ends("a\n\nb", "\n"), ElementsAre(3));
  EXPECT_THAT(separator_ends("a--b----c", "--"), ElementsAre(3, 8));
}

// Texts on disk, joined to one run.
struct Joined {
  explicit Joined(const std::vector<std::string>& texts) {
    files.reserve(texts.size());
    for (const auto& text : texts) {
      const std::string name = std::to_string(files.size());
      files.emplace_back(folder.write_file(name, text), "data.train", folder.path());
      run.append(files.back(), 0, files.back().bytes());
    }
  }
  TempDir folder;
  std::vector<TextFile> files;
  TextRun run;
};

TEST(TextRun, ReadsAcrossItsPieces) {
  const Joined text({"abc", "d", "efghij"});
  EXPECT_EQ(text.run.bytes(), 10);
  for (int64_t begin = 0; begin <= 10; ++begin) {
    for (int64_t count = 0; begin + count <= 10; ++count) {
      EXPECT_EQ(text.run.read(begin, count),
                std::string("abcdefghij").substr(static_cast<size_t>(begin), static_cast<size_t>(count)));
    }
  }
  EXPECT_THAT(text.run.joints(0, 10), ElementsAre(3, 4));
  EXPECT_THAT(text.run.joints(3, 5), ElementsAre(4));
  EXPECT_THAT(text.run.joints(4, 10), IsEmpty());
}

// The ends of a row are those of the whole text that fall into it, wherever the row is cut.
TEST(DocumentEnds, DoNotDependOnWhereARowBegins) {
  std::mt19937 random(1);
  for (const std::string separator : {"", "\n", "\n\n", "aba", "abab"}) {
    std::vector<std::string> texts;
    for (int file = 0; file < 4; ++file) {
      std::string text;
      for (int i = 0; i < 20; ++i) text += "ab\n\n"[random() % 4];
      texts.push_back(text);
    }
    const Joined text(texts);
    std::vector<int64_t> all;
    int64_t start = 0;
    for (const auto& each : texts) {
      for (const int64_t end : separator_ends(each, separator)) all.push_back(start + end);
      start += static_cast<int64_t>(each.size());
      if (all.empty() || all.back() != start) all.push_back(start);
    }
    for (int64_t begin = 0; begin < text.run.bytes(); ++begin) {
      for (int64_t end = begin + 1; end < text.run.bytes(); ++end) {
        std::vector<int64_t> expected;
        for (const int64_t place : all) {
          if (place > begin && place <= end) expected.push_back(place - begin);
        }
        ASSERT_EQ(document_ends(text.run, begin, end, separator), expected)
            << "'" << separator << "' " << begin << " " << end;
      }
    }
  }
}

TEST(DividedRows, HaveSegmentsPositionsAndEndTargets) {
  const Joined text({"ab\n\ncde\n\nf", "ghijklmnopqrstuvwxyz"});
  const auto data = TextDataset::for_validation({text.run}, 12, nullptr, {true, "\n\n"});
  ASSERT_EQ(data->rows_per_epoch(), 2);
  Batch batch = data->batch(0, 2);
  const int64_t first = batch.tokens[0] == 'a' ? 0 : 1;  // validation is shuffled as well
  const auto row = [&](const std::vector<int64_t>& plane) {
    return std::vector<int64_t>(plane.begin() + first * 12, plane.begin() + first * 12 + 12);
  };
  EXPECT_EQ(row(batch.segments), (std::vector<int64_t>{0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 3, 3}));
  EXPECT_EQ(row(batch.positions), (std::vector<int64_t>{0, 1, 2, 3, 0, 1, 2, 3, 4, 0, 0, 1}));
  EXPECT_EQ(row(batch.targets), (std::vector<int64_t>{'b', '\n', '\n', 256, 'd', 'e', '\n', '\n', 256,
                                                      256, 'h', 'i'}));
  EXPECT_EQ(batch.target_tokens, 24);
  const Batch other = data->batch(1 - first, 1);  // 12 bytes of one document
  EXPECT_TRUE(other.segments.empty() && other.positions.empty()) << "plain causal attention";
}

TEST(DividedRows, LeaveTheTokensAsTheyWere) {
  const Joined text({std::string(200, 'x') + "\n\n" + std::string(300, 'y'), std::string(100, 'z')});
  const auto plain = TextDataset::for_training({text.run}, 16, 3, nullptr);
  const auto divided = TextDataset::for_training({text.run}, 16, 3, nullptr, {true, "\n\n"});
  EXPECT_EQ(plain->batch(0, 100).tokens, divided->batch(0, 100).tokens);
  EXPECT_TRUE(plain->batch(0, 100).segments.empty());
  EXPECT_NE(plain->batch(0, 100).targets, divided->batch(0, 100).targets);
}

}  // namespace
}  // namespace moe

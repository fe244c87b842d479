// What becomes of a run whose text is changed under it.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/tiny_run.h"

namespace moe {
namespace {

const std::vector<std::string> kLong = {"run.dir=out", "train.steps=1000000", "checkpoint.every=5"};

bool has_rows(const TinyRun& tiny, size_t rows) {
  return eventually([&] { return lines_in(tiny.file("out/metrics.jsonl")) >= rows; });
}

TEST(VanishedData, CutShortUnderARunIsAMessageAndLosesNothing) {
  const TinyRun tiny;
  {
    Process process(tiny.command(kLong), tiny.folder());
    ASSERT_TRUE(has_rows(tiny, 12));
    std::filesystem::resize_file(tiny.file("text.txt"), 100);
    ASSERT_EQ(process.wait(60), 1) << "and not a signal: " << process.err();
    EXPECT_NE(process.err().find("data.train: 'text.txt': expected"), std::string::npos);
    EXPECT_NE(process.err().find("found 100: it was cut short while in use; bring the text back and "
                                 "repeat the command"),
              std::string::npos)
        << process.err();
  }
  tiny.files().write_file("text.txt", tiny_text());
  const auto before = lines_in(tiny.file("out/metrics.jsonl"));
  Process again(tiny.command(kLong), tiny.folder());
  EXPECT_TRUE(has_rows(tiny, before + 5)) << again.err();
  EXPECT_NE(again.err().find("resuming out at step"), std::string::npos) << again.err();
}

TEST(VanishedData, DeletedUnderARunIsReadOn) {
  const TinyRun tiny;
  Process process(tiny.command(kLong), tiny.folder());
  ASSERT_TRUE(has_rows(tiny, 3));
  std::filesystem::remove(tiny.file("text.txt"));
  const auto before = lines_in(tiny.file("out/metrics.jsonl"));
  EXPECT_TRUE(has_rows(tiny, before + 20)) << process.err();
  process.signal(SIGTERM);
  EXPECT_EQ(process.wait(60), 75) << process.err();
}

}  // namespace
}  // namespace moe

// What a run leaves for people to look at: report.html and TensorBoard's event file, also after it
// was interrupted, resumed, or could not write them.
#include <gmock/gmock.h>

#include <algorithm>

#include "data/formats/event_file.h"
#include "tests/support/tiny_run.h"
#include "train/environment.h"
#include "train/report/run_views.h"

namespace moe {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// (wall time left out) The step of every event that holds the tag, in the file's order.
std::vector<int64_t> steps_of(const std::string& path, const std::string& tag) {
  const auto bytes = read_bytes(path);
  std::vector<int64_t> steps;
  for (size_t at = 0; at < bytes.size();) {
    uint64_t length = 0;
    for (int i = 7; i >= 0; --i) length = length << 8 | static_cast<unsigned char>(bytes[at + i]);
    const auto message = bytes.substr(at + 12, length);
    EXPECT_EQ(event_record(message), bytes.substr(at, length + 16));  // its checksums hold
    at += length + 16;
    // 0x09 time[8] 0x10 step ...
    if (message.size() > 10 && message[9] == 0x10 && message.find(tag) != std::string::npos) {
      int64_t step = 0;
      for (size_t i = 10, shift = 0;; ++i, shift += 7) {
        step |= static_cast<int64_t>(message[i] & 0x7F) << shift;
        if ((message[i] & 0x80) == 0) break;
      }
      steps.push_back(step);
    }
  }
  return steps;
}

std::vector<int64_t> up_to(int64_t last) {
  std::vector<int64_t> steps;
  for (int64_t step = 1; step <= last; ++step) steps.push_back(step);
  return steps;
}

TEST(RunViews, AReportAndOneEventFileWithEveryStepOnce) {
  const TinyRun tiny;
  ASSERT_EQ(tiny.train({"run.dir=run", "train.steps=7"}).code, 0);
  const auto report = read_bytes(tiny.file("run/report.html"));
  EXPECT_THAT(report, HasSubstr("<dd>7 of 7</dd>"));
  EXPECT_THAT(report, HasSubstr("<dt>active parameters</dt>"));
  EXPECT_THAT(report, HasSubstr("Load, layer 1"));
  const auto events = event_files(tiny.file("run"));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(steps_of(events[0], "train/loss"), up_to(7));
  EXPECT_EQ(steps_of(events[0], "valid/bits_per_byte"), std::vector<int64_t>{7});
  EXPECT_EQ(steps_of(events[0], "moe.max_vio/layer_1"), up_to(7));
}

// Without log.peak_tflops MFU is not known, which is no fault and nothing to draw.
TEST(RunViews, AHealthyRunHasNothingToWarnOf) {
  const TinyRun tiny;
  tiny.files().write_file("code.txt", std::string(300, '(') + tiny_text(700));
  const std::vector<std::string> words = {"train.steps=4", "data.train=[]", "train.eval_every=2",
                                          "data.sources.wiki.train=text.txt",
                                          "data.sources.code.train=code.txt"};
  const auto train = [&](std::vector<std::string> more) {
    more.insert(more.end(), words.begin(), words.end());
    ASSERT_EQ(tiny.train(more).code, 0);
  };
  train({"run.dir=runs/unknown"});
  const auto compared = run_to_end(
      {MOE_BIN_DIR "/moe-compare", "runs", "--html", "compare.html"}, tiny.folder());
  ASSERT_EQ(compared.code, 0) << compared.err;
  for (const char* page : {"runs/unknown/report.html", "compare.html"}) {
    const auto html = read_bytes(tiny.file(page));
    const auto has = [&](const char* part) { return html.find(part) != std::string::npos; };
    EXPECT_FALSE(has("class=\"warn\"")) << page;
    EXPECT_FALSE(has("No finite value yet")) << page;
    EXPECT_FALSE(has("Model FLOPs utilisation")) << page;
    EXPECT_TRUE(has("Validation by source")) << page;
  }
  EXPECT_EQ(steps_of(event_files(tiny.file("runs/unknown"))[0], "train/mfu"),
            std::vector<int64_t>{});
  train({"run.dir=runs/known", "log.peak_tflops=1"});
  EXPECT_THAT(read_bytes(tiny.file("runs/known/report.html")),
              HasSubstr("Model FLOPs utilisation"));
  EXPECT_EQ(steps_of(event_files(tiny.file("runs/known"))[0], "train/mfu"), up_to(4));
}

// 16 MB of rows, which take about 60 as trees.
TEST(RunViews, ALongRunsRowsAreReadOneAtATime) {
  const TempDir folder;
  std::string rows;
  for (int step = 1; rows.size() < 16000000; ++step) {
    rows += "{\"step\":" + std::to_string(step) + ",\"split\":\"train\",\"loss\":1.5,\"seconds\":" +
            std::to_string(step) + ",\"moe\":[{\"layer\":0,\"tokens_per_expert\":[1";
    for (int expert = 1; expert < 256; ++expert) rows += "," + std::to_string(expert);
    rows += "]}]}\n";
  }
  folder.write_file("metrics.jsonl", rows);
  std::ofstream("/proc/self/clear_refs") << 5;  // the peak is what is held from now on
  const int64_t before = peak_memory_bytes();
  const RunConfig config;
  const RunViews views(folder.path(), config, 1e6, {});
  EXPECT_LT(peak_memory_bytes() - before, 20000000);
  EXPECT_THAT(read_bytes(folder.file("report.html")), HasSubstr("Load, layer 0"));
}

TEST(RunViews, ResumingLeavesNoStepTwice) {
  const TinyRun tiny;
  ASSERT_EQ(tiny.train({"run.dir=run", "train.steps=6", "checkpoint.every=3"}).code, 0);
  const auto former = event_files(tiny.file("run"));
  // As if it had been killed after step 6 and before its checkpoint.
  fs::remove_all(tiny.file("run/checkpoints/step-00000006"));
  ASSERT_EQ(tiny.train({"run.dir=run", "train.steps=9"}).code, 0);
  const auto events = event_files(tiny.file("run"));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_NE(events, former);
  EXPECT_EQ(steps_of(events[0], "train/loss"), up_to(9));
  EXPECT_THAT(read_bytes(tiny.file("run/report.html")), HasSubstr("<dd>9 of 9</dd>"));
}

TEST(RunViews, TensorboardCanBeOff) {
  const TinyRun tiny;
  ASSERT_EQ(tiny.train({"run.dir=run", "train.steps=2", "log.tensorboard=false"}).code, 0);
  EXPECT_TRUE(event_files(tiny.file("run")).empty());
  EXPECT_TRUE(fs::exists(tiny.file("run/report.html")));
}

TEST(RunViews, AReportThatCannotBeWrittenIsAWarning) {
  const TinyRun tiny;
  fs::create_directories(tiny.file("run/report.html/in_the_way"));
  const auto ended = tiny.train({"run.dir=run", "train.steps=2"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("report.html': cannot be put in place: "));
  EXPECT_THAT(ended.err, HasSubstr("; the report stays as it was"));
  EXPECT_EQ(tiny.rows("run").size(), 3u);
}

}  // namespace
}  // namespace moe

// The live view: reading a file that grows, pictures that fit, and where no terminal is.
#include <gmock/gmock.h>

#include <filesystem>

#include "configs/config_io.h"
#include "tests/support/tiny_run.h"
#include "train/diagnose/tail.h"
#include "train/diagnose/view.h"
#include "train/load_bars.h"
#include "train/text_table.h"

namespace moe {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string row(int64_t step, const std::string& load = "[10,10,10,10]", int64_t layers = 1) {
  std::string text = R"({"step":)" + std::to_string(step) +
                     R"(,"split":"train","loss":2.5,"tokens_per_second":100,"seconds":)" +
                     std::to_string(step) + R"(,"moe":[)";
  for (int64_t layer = 0; layer < layers; ++layer) {
    text += (layer > 0 ? "," : "") + (R"({"layer":)" + std::to_string(layer)) +
            R"(,"tokens_per_expert":)" + load +
            R"(,"entropy":1,"slots_per_token":2,"empty_tokens":0,"dropped":0,"gate":{}})";
  }
  return text + "]}\n";
}

std::vector<int64_t> steps_of(const MetricsTail::News& news) {
  std::vector<int64_t> steps;
  for (const auto& row : news.rows) steps.push_back(row.at("step"));
  return steps;
}

void append(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::app | std::ios::binary) << text;
}

TEST(MetricsTail, ReadsWhatCameAndWaitsForTheRestOfALine) {
  const TempDir folder;
  const auto path = folder.file("metrics.jsonl");
  MetricsTail tail(path);
  EXPECT_THAT(tail.read().rows, IsEmpty());
  EXPECT_FALSE(tail.found());
  append(path, row(1) + row(2).substr(0, 20));
  EXPECT_EQ(steps_of(tail.read()), (std::vector<int64_t>{1}));
  EXPECT_THAT(tail.read().rows, IsEmpty());
  append(path, row(2).substr(20) + row(3));
  const auto news = tail.read();
  EXPECT_FALSE(news.again);
  EXPECT_EQ(steps_of(news), (std::vector<int64_t>{2, 3}));
}

TEST(MetricsTail, BeginsAgainWhereAResumedRunCutTheFile) {
  const TempDir folder;
  const auto path = folder.write_file("metrics.jsonl", row(1) + row(2) + row(3));
  MetricsTail tail(path);
  tail.read();
  cut_metrics(path, 2);
  append(path, row(30) + row(40));  // longer than it was
  const auto cut = tail.read();
  EXPECT_TRUE(cut.again);
  EXPECT_EQ(steps_of(cut), (std::vector<int64_t>{1, 2, 30, 40}));
  // In place, and as long as before.
  folder.write_file("metrics.jsonl", row(5) + row(6) + row(70) + row(80));
  const auto rewritten = tail.read();
  EXPECT_TRUE(rewritten.again);
  EXPECT_EQ(steps_of(rewritten), (std::vector<int64_t>{5, 6, 70, 80}));
  std::filesystem::remove(path);
  EXPECT_TRUE(tail.read().again);
}

TEST(MetricsTail, CountsLinesThatAreNoRows) {
  const TempDir folder;
  const auto path = folder.write_file(
      "metrics.jsonl", "nonsense\n[1]\n{\"step\":1}\n{\"step\":\"1\",\"split\":\"train\"}\n\n" + row(7));
  MetricsTail tail(path);
  EXPECT_EQ(steps_of(tail.read()), (std::vector<int64_t>{7}));
  EXPECT_EQ(tail.skipped(), 5);
}

// As long as the file's other readers take them: an expert's load is a value.
TEST(MetricsTail, ReadsRowsOfMoreThanAMillionValues) {
  const TempDir folder;
  std::string load = "[0";
  for (size_t i = 0; i < (size_t{1} << 20); ++i) load += ",1";
  const auto path = folder.write_file("metrics.jsonl", row(7, load + "]"));
  MetricsTail tail(path);
  EXPECT_EQ(steps_of(tail.read()), (std::vector<int64_t>{7}));
  EXPECT_EQ(tail.skipped(), 0);
}

TEST(LoadBars, OneForEachExpertOrSharedByNeighbours) {
  EXPECT_EQ(load_bars({0, 10, 10, 20}, 8), " ▄▄█");
  EXPECT_EQ(load_bars({1, 1000, 1000, 1000}, 8), "▁▅▅▅");
  EXPECT_EQ(load_bars({0, 20, 10, 10, 10}, 3), "▄▄▄");
  EXPECT_EQ(load_bars({0, 0}, 8), "  ");
  EXPECT_EQ(load_bars({}, 8), "");
  EXPECT_EQ(load_bars({1e308, 1e308}, 8), "  ");
  EXPECT_EQ(sparkline({3, 1, NAN, 2}, 8), "█▁ ▅");
  EXPECT_EQ(sparkline({9, 1, 1}, 2), "▁▁");
}

WatchState watched(const std::vector<std::string>& lines) {
  WatchState state;
  state.folder = "runs/a";
  state.config = parse_config<RunConfig>(kTinyConfig);
  state.has_config = true;
  for (const auto& line : lines) state.add(Json::parse(line));
  return state;
}

std::string joined(const std::vector<ViewLine>& view) {
  std::string text;
  for (const auto& line : view) text += line.text + "\n";
  return text;
}

TEST(WatchView, ShowsProgressLoadAndFindings) {
  const auto text = joined(watch_view(watched({row(5), row(15, "[40,40,40,0]")}), 100, 30));
  EXPECT_THAT(text, HasSubstr("step 15/30  50 %  15s left"));
  EXPECT_THAT(text, HasSubstr("loss 2.5000 (3.607 bits)"));
  EXPECT_THAT(text, HasSubstr("100 tokens/s"));
  EXPECT_THAT(text, HasSubstr("|▅▅▅▁|"));
  const auto dead = joined(watch_view(watched({row(15, "[400,400,400,0]")}), 100, 30));
  EXPECT_THAT(dead, HasSubstr("dead_experts: layer 0: dead_experts is 1, above 0 (expert 3)"));
}

TEST(WatchView, DecidedBitsOfAGateWithinAGateAreShown) {
  const auto shown = [](const std::string& figure) {
    auto json = Json::parse(row(15));
    json["moe"][0]["gate"][figure] = 0.625;
    return joined(watch_view(watched({json.dump()}), 100, 30));
  };
  EXPECT_THAT(shown("inner.saturated_bits"), HasSubstr("  slots   sat "));
  EXPECT_THAT(shown("inner.saturated_bits"), HasSubstr("   2.00  0.62 "));
  EXPECT_THAT(shown("inner.other"), testing::Not(HasSubstr(" sat ")));
}

// diagnose() is not what the live view calls: both end with the same findings.
TEST(WatchView, RowsOfAGateThatLooksAheadSayIt) {
  const auto config = parse_config<RunConfig>(
      kTinyConfig, "tiny", {"model.moe.gate.kind=base", "model.moe.allow_future_leak=true"});
  const auto findings = diagnose_rows("runs/a", config, {Json::parse(row(15))}).findings;
  ASSERT_FALSE(findings.empty());
  EXPECT_EQ(findings.back().name, "future_leak");
}

TEST(WatchView, FitsEveryWindow) {
  const auto state = watched({row(1, "[400,0,0,0]", 2), row(2, "[400,0,0,0]", 2)});
  for (size_t width = 0; width < 130; width += 3) {
    for (const size_t height : {0, 1, 2, 4, 6, 9, 40}) {
      const auto view = watch_view(state, width, height);
      EXPECT_LE(view.size(), height);
      for (const auto& line : view) EXPECT_LE(text_width(line.text), width) << line.text;
    }
  }
  EXPECT_THAT(joined(watch_view(state, 80, 7)), HasSubstr("and "));
}

TEST(WatchView, ALineHasTheRowsSpeed) {
  const auto state = watched({row(5), row(15)});
  const auto line = [&](const Json& more) {
    auto json = Json::parse(row(15));
    json.update(more);
    return watch_line(state, json);
  };
  EXPECT_THAT(line({{"tflops", 0.0125}, {"mfu", nullptr}}), HasSubstr("12.5 GFLOP/s"));
  EXPECT_THAT(line({{"tflops", 80.0}, {"mfu", 0.4}}), HasSubstr("MFU 40.0%"));
  EXPECT_THAT(line(Json::object()), HasSubstr("n/a FLOP/s"));
}

TEST(WatchView, WaitsWithASentence) {
  WatchState state;
  EXPECT_THAT(joined(watch_view(state, 80, 24)), HasSubstr("waiting for a run to begin here"));
  EXPECT_THAT(joined(watch_view(watched({}), 80, 24)), HasSubstr("waiting for the run's first"));
}

TEST(Watch, WithoutATerminalALineForEachRowAndTheReportAtTheEnd) {
  const TinyRun tiny;
  Process watch({MOE_BIN_DIR "/moe-diagnose", "run", "--watch"}, tiny.folder());
  const std::string waiting = "waiting for the first row in run/metrics.jsonl";
  ASSERT_TRUE(eventually([&] { return watch.err().find(waiting) != std::string::npos; })) << watch.err();
  std::filesystem::create_directories(tiny.file("made"));
  tiny.files().write_file("made/config.yaml", kTinyConfig);
  tiny.files().write_file("made/metrics.jsonl", row(29) + row(30).substr(0, 9));
  std::filesystem::rename(tiny.file("made"), tiny.file("run"));  // a look between the two would find half of it
  const auto path = tiny.file("run/metrics.jsonl");
  ASSERT_TRUE(eventually([&] { return watch.out().find("step 29/30") != std::string::npos; }));
  EXPECT_TRUE(watch.running());
  append(path, row(30).substr(9));
  EXPECT_EQ(watch.wait(60), 0);
  EXPECT_THAT(watch.out(), HasSubstr("step 30/30"));
  EXPECT_THAT(watch.out(), HasSubstr("healthy: none of"));
}

TEST(Watch, ASignalEndsIt) {
  const TinyRun tiny;
  Process watch({MOE_BIN_DIR "/moe-diagnose", "run", "--watch"}, tiny.folder());
  ASSERT_TRUE(eventually([&] { return !watch.err().empty(); }));
  watch.signal(SIGTERM);
  EXPECT_EQ(watch.wait(60), 0);
}

}  // namespace
}  // namespace moe

#include "data/formats/metrics_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "configs/errors.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/temp_dir.h"

namespace moe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(MetricsFile, AppendsAndReadsBack) {
  TempDir folder;
  const std::string path = folder.file("metrics.jsonl");
  MetricsWriter(path).append({{"step", 1}, {"loss", 2.5}});
  MetricsWriter(path).append({{"step", 2}, {"name", "a\nb\xff"}});
  EXPECT_EQ(read_bytes(path),
            "{\"step\":1,\"loss\":2.5}\n{\"step\":2,\"name\":\"a\\nb\xef\xbf\xbd\"}\n");
  const auto rows = read_metrics(path);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["loss"], 2.5);
  EXPECT_EQ(rows[1]["step"], 2);
}

TEST(MetricsFile, NonFiniteNumbersAreNull) {
  TempDir folder;
  const std::string path = folder.file("metrics.jsonl");
  MetricsWriter(path).append(
      {{"a", std::nan("")}, {"b", {std::numeric_limits<double>::infinity(), 1.5}}});
  EXPECT_EQ(read_bytes(path), "{\"a\":null,\"b\":[null,1.5]}\n");
}

TEST(MetricsFile, ATornLastLineIsLeftOutAndCutOff) {
  TempDir folder;
  const std::string torn = "{\"step\":2," + std::string(10000, ' ');
  const std::string path = folder.write_file("metrics.jsonl", "{\"step\":1}\n" + torn);
  EXPECT_EQ(read_metrics(path).size(), 1u);
  MetricsWriter(path).append({{"step", 3}});
  EXPECT_EQ(read_bytes(path), "{\"step\":1}\n{\"step\":3}\n");
  EXPECT_EQ(read_metrics(folder.write_file("only.jsonl", torn)).size(), 0u);
  MetricsWriter(folder.file("only.jsonl"));
  EXPECT_EQ(read_bytes(folder.file("only.jsonl")), "");
}

TEST(MetricsFile, AnyOtherWrongLineIsAnErrorWithItsPlace) {
  TempDir folder;
  for (const std::string bad : {"[1]", "", "{\"a\":", "{} {}", "nan"}) {
    const std::string path = folder.write_file("m.jsonl", "{}\n" + bad + "\n{}\n");
    EXPECT_EQ(message_of<RunError>([&] { read_metrics(path); }),
              "'" + path + "':2: expected a JSON object, found '" + bad + "'");
  }
  EXPECT_THAT(message_of<RunError>([&] { read_metrics(folder.file("none")); }),
              HasSubstr("none': no such file"));
}

TEST(MetricsFile, CutsBackToAStep) {
  TempDir folder;
  const std::string path =
      folder.write_file("m.jsonl",
                        "{\"step\":1}\n{\"step\":2,\"x\": "
                        "1.0}\n{\"step\":3}\n{\"split\":\"valid\",\"step\":2}\n{\"st");
  cut_metrics(path, 2);
  EXPECT_EQ(read_bytes(path),
            "{\"step\":1}\n{\"step\":2,\"x\": 1.0}\n{\"split\":\"valid\",\"step\":2}\n");
  EXPECT_THAT(folder.names(), ElementsAre("m.jsonl"));
  cut_metrics(path, 0);
  EXPECT_EQ(read_bytes(path), "");
  cut_metrics(folder.file("none.jsonl"), 2);
  EXPECT_THAT(folder.names(), ElementsAre("m.jsonl"));
  folder.write_file("m.jsonl", "{\"step\":1.5}\n");
  EXPECT_EQ(message_of<RunError>([&] { cut_metrics(path, 2); }),
            "'" + path + "':1: step: expected an integer, found '1.5'");
}

TEST(MetricsFile, AFullDiskLeavesOnlyCompleteLines) {
  TempDir folder;
  const std::string path = folder.file("m.jsonl");
  MetricsWriter writer(path);
  writer.append({{"step", 1}});
  std::string append_message;
  std::string cut_message;
  {
    const FileSizeLimit full(20);
    append_message = message_of<RunError>([&] { writer.append({{"text", std::string(50, 'x')}}); });
  }
  EXPECT_THAT(append_message, HasSubstr("m.jsonl': cannot be written: "));
  EXPECT_EQ(read_bytes(path), "{\"step\":1}\n");
  writer.append({{"step", 2}});
  {
    const FileSizeLimit full(5);
    cut_message = message_of<RunError>([&] { cut_metrics(path, 1); });
  }
  EXPECT_THAT(cut_message, HasSubstr("cannot be written"));
  EXPECT_EQ(read_metrics(path).size(), 2u) << "a failed cut leaves the file as it was";
  EXPECT_THAT(folder.names(), ElementsAre("m.jsonl"));
}

TEST(MetricsFile, RefusesWhatIsNoFile) {
  TempDir folder;
  ASSERT_EQ(::mkfifo(folder.file("fifo").c_str(), 0600), 0);
  EXPECT_THAT(message_of<RunError>([&] { MetricsWriter writer(folder.file("fifo")); }),
              HasSubstr("found a FIFO"));
  EXPECT_THAT(message_of<RunError>([&] { MetricsWriter writer(folder.file("no/m.jsonl")); }),
              HasSubstr("cannot be opened to append: No such file"));
}

}  // namespace
}  // namespace moe

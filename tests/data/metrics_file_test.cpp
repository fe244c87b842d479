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
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"[1]", "expected a JSON object, found '[1]'"},
      {"", "expected a JSON object, found ''"},
      {"nan", "expected a JSON object, found 'nan'"},
      {"{\"a\":", "expected JSON, found an error at byte 6"},
      {"{} {}", "expected JSON, found an error at byte 4"},
      {"{\"a\":1,\"a\":2}", "expected every key once, found 'a' twice"},
      {std::string("{}\0x", 4), "expected JSON, found a NUL at byte 3"},
      {"{\"a\":" + std::string(100000, '['), "expected at most 8 levels of nesting, found more"},
  };
  for (const auto& [bad, expected] : cases) {
    const std::string path = folder.write_file("m.jsonl", "{}\n" + bad + "\n{}\n");
    EXPECT_EQ(message_of<RunError>([&] { read_metrics(path); }), "'" + path + "':2: " + expected);
  }
  EXPECT_THAT(message_of<RunError>([&] { read_metrics(folder.file("none")); }),
              HasSubstr("none': no such file"));
}

TEST(MetricsFile, RowsComeOneAtATime) {
  TempDir folder;
  const std::string path = folder.write_file("m.jsonl", "{\"step\":1}\n{\"step\":2}\n[]\n");
  std::vector<Json> seen;
  EXPECT_THAT(message_of<RunError>([&] {
                each_row(path, [&seen](Json& row) { seen.push_back(std::move(row)); });
              }),
              HasSubstr(":3: expected a JSON object"));
  EXPECT_THAT(seen, ElementsAre(Json{{"step", 1}}, Json{{"step", 2}}));
}

// Zeros without an end, as a file system leaves after a crash: refused after one line's worth.
TEST(MetricsFile, ALineThatIsNoRowIsNotReadWhole) {
  TempDir folder;
  const std::string path = folder.write_file("m.jsonl", "{}\n");
  std::filesystem::resize_file(path, uint64_t{1} << 40);
  EXPECT_EQ(message_of<RunError>([&] { read_metrics(path); }),
            "'" + path + "':2: expected a line of at most 67108864 bytes, found more");
}

// Lines that end anywhere in the pieces that are read.
TEST(MetricsFile, LongLinesAreReadWhole) {
  TempDir folder;
  const std::string path = folder.file("m.jsonl");
  MetricsWriter writer(path);
  const std::vector<size_t> lengths = {65000, 526, 65527, 65528, 200000, 0, 1};
  for (const size_t length : lengths) writer.append({{"text", std::string(length, 'x')}});
  const auto rows = read_metrics(path);
  ASSERT_EQ(rows.size(), lengths.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i]["text"].get<std::string>().size(), lengths[i]);
  }
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
            "'" + path + "':1: step: expected a whole number from 0 on, found '1.5'");
  EXPECT_EQ(read_bytes(path), "{\"step\":1.5}\n") << "refused and left as it was";
  folder.write_file("m.jsonl", "{}\n");
  EXPECT_EQ(message_of<RunError>([&] { cut_metrics(path, 2); }),
            "'" + path + "':1: step: expected a whole number from 0 on, found none");
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

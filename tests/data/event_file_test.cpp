// Event files against records that TensorFlow's own writer makes, byte for byte.
#include "data/formats/event_file.h"

#include <gmock/gmock.h>

#include <cmath>

#include "configs/errors.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/temp_dir.h"

namespace moe {
namespace {

using testing::HasSubstr;

std::string hex(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) {
    constexpr const char* kDigits = "0123456789abcdef";
    text += kDigits[(static_cast<unsigned char>(c) >> 4) & 15];
    text += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

TEST(EventFile, ChecksumIsCastagnolis) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);  // RFC 3720, B.4
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
}

TEST(EventFile, RecordsAreTensorFlowsByteForByte) {
  EXPECT_EQ(hex(event_record(version_event(1.0))),
            "1800000000000000a37f4b2209000000000000f03f1a0d627261696e2e4576656e743a3286bf577a");
  EXPECT_EQ(hex(event_record(scalars_event(2.0, 7, {{"loss", 2.5}}))),
            "1a00000000000000129bd82d09000000000000004010072a0d0a0b0a046c6f73731500002040c2dfec60");
}

TEST(EventFile, LargeStepsAndSeveralTagsInOneEvent) {
  // step 300 = 0xac 0x02; two values of 8 bytes each
  EXPECT_EQ(hex(scalars_event(0, 300, {{"a", 1}, {"b", -1}})),
            "090000000000000000"
            "10ac02"
            "2a14"
            "0a080a0161150000803f"
            "0a080a016215000080bf");
}

TEST(EventFile, RestartHasAStatusAndNoStep) {
  EXPECT_EQ(hex(restart_event(0)), "0900000000000000003a020801");
}

TEST(EventFile, ANumberThatIsNotFiniteStaysOne) {
  const auto event = scalars_event(0, 1, {{"a", std::nan("")}});
  EXPECT_THAT(hex(event), HasSubstr("150000c07f"));
}

TEST(EventFile, NamesDoNotMeet) {
  const TempDir folder;
  EventFile first(folder.path(), 12.5), second(folder.path(), 12.5);
  EXPECT_NE(first.path(), second.path());
  EXPECT_EQ(event_files(folder.path()).size(), 2u);
  EXPECT_THAT(first.path(), HasSubstr("/events.out.tfevents.12."));
  folder.write_file("metrics.jsonl", "");
  EXPECT_EQ(event_files(folder.path()).size(), 2u);
  EXPECT_EQ(read_bytes(first.path()), event_record(version_event(12.5)));
}

TEST(EventFile, AFullDiskTearsNoRecord) {
  const TempDir folder;
  EventFile file(folder.path(), 1);
  const auto before = read_bytes(file.path());
  {
    const FileSizeLimit limit(before.size() + 10);
    EXPECT_THAT(message_of<RunError>([&] { file.append(std::string(100, 'x')); }),
                HasSubstr("events.out.tfevents.1."));
  }
  EXPECT_EQ(read_bytes(file.path()), before);
}

TEST(EventFile, AFolderThatIsNotThereIsNamed) {
  EXPECT_THAT(message_of<RunError>([] { EventFile("/nowhere/at/all", 1); }),
              HasSubstr("/nowhere/at/all/events.out.tfevents.1."));
}

}  // namespace
}  // namespace moe

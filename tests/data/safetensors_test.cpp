#include "data/formats/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "configs/errors.h"
#include "data/formats/manifest.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/temp_dir.h"

namespace moe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Safetensors, BytesOfASmallFile) {
  TempDir folder;
  const int64_t long_value = 0x0102030405060708;
  const float float_values[] = {1.0f, -2.0f};
  const uint8_t byte = 7;
  write_safetensors(folder.file("a"), {{"z", Dtype::kU8, {}, &byte},
                                       {"b", Dtype::kF32, {2, 1}, float_values},
                                       {"y", Dtype::kI64, {1}, &long_value},
                                       {"a", Dtype::kF32, {0, 3}, nullptr}});
  std::string header =
      "{\"__metadata__\":{\"format\":\"pt\"},"
      "\"y\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]},"
      "\"a\":{\"dtype\":\"F32\",\"shape\":[0,3],\"data_offsets\":[8,8]},"
      "\"b\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[8,16]},"
      "\"z\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[16,17]}}";
  header.append((8 - header.size() % 8) % 8, ' ');
  const std::string expected = std::string(1, static_cast<char>(header.size() & 0xff)) +
                               static_cast<char>(header.size() >> 8) + std::string(6, '\0') +
                               header + std::string("\x08\x07\x06\x05\x04\x03\x02\x01", 8) +
                               std::string("\0\0\x80\x3f\0\0\0\xc0", 8) + "\x07";
  EXPECT_EQ(read_bytes(folder.file("a")), expected);
}

TEST(Safetensors, EveryDtypeComesBack) {
  TempDir folder;
  std::string bytes;
  for (int i = 0; i < 48; ++i) bytes += static_cast<char>(i * 37);
  std::vector<TensorData> tensors;
  for (int i = 0; i <= static_cast<int>(Dtype::kU64); ++i) {
    const auto dtype = static_cast<Dtype>(i);
    tensors.push_back({std::string("layer.") + dtype_name(dtype), dtype, {2, 3}, bytes.data()});
  }
  tensors.push_back({"caf\xc3\xa9 \"quoted\"\n", Dtype::kF32, {}, bytes.data()});
  const WrittenFile written = write_safetensors(folder.file("a"), tensors, {{"step", "7"}});
  const WrittenFile hashed = hash_file(folder.file("a"));
  EXPECT_EQ(written.bytes, hashed.bytes);
  EXPECT_EQ(written.sha256, hashed.sha256);

  const SafetensorsFile file(folder.file("a"));
  EXPECT_EQ(file.metadata(), (std::map<std::string, std::string>{{"format", "pt"}, {"step", "7"}}));
  EXPECT_EQ(file.tensors().size(), tensors.size());
  for (const auto& tensor : tensors) {
    const TensorInfo& info = file.info(tensor.name);
    EXPECT_EQ(info.dtype, tensor.dtype);
    EXPECT_EQ(info.shape, tensor.shape);
    EXPECT_EQ(info.begin % static_cast<uint64_t>(dtype_size(info.dtype)), 0u) << "aligned";
    std::string read(info.end - info.begin, '\0');
    file.read(tensor.name, read.data(), read.size());
    EXPECT_EQ(read, bytes.substr(0, read.size()));
  }
}

TEST(Safetensors, LargeTensorsAreWrittenAndHashedWhole) {
  TempDir folder;
  std::vector<float> values(1'000'003);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  const auto written =
      write_safetensors(folder.file("a"), {{"x", Dtype::kF32, {1'000'003}, values.data()}});
  EXPECT_EQ(written.sha256, hash_file(folder.file("a")).sha256);
  std::vector<float> read(values.size());
  SafetensorsFile(folder.file("a")).read("x", read.data(), 4 * read.size());
  EXPECT_EQ(read, values);
}

TEST(Safetensors, NoTensorsIsAFile) {
  TempDir folder;
  write_safetensors(folder.file("a"), {});
  EXPECT_THAT(SafetensorsFile(folder.file("a")).tensors(), IsEmpty());
}

TEST(Safetensors, AnUnknownNameHasASuggestion) {
  TempDir folder;
  const float value = 1;
  write_safetensors(folder.file("a"), {{"layers.0.weight", Dtype::kF32, {}, &value}});
  const SafetensorsFile file(folder.file("a"));
  EXPECT_EQ(message_of<RunError>([&] { file.info("layer.0.weight"); }),
            "'" + folder.file("a") +
                "': expected a tensor named 'layer.0.weight', found none (did you mean "
                "'layers.0.weight'?)");
  float out[2];
  EXPECT_THROW(file.read("layers.0.weight", out, 8), std::invalid_argument);
}

TEST(Safetensors, TheWriterRefusesWhatTheReaderWould) {
  TempDir folder;
  const float value = 1;
  const auto write = [&](const std::vector<TensorData>& tensors) {
    write_safetensors(folder.file("a"), tensors);
  };
  EXPECT_THROW(write({{"x", Dtype::kF32, {}, &value}, {"x", Dtype::kF32, {}, &value}}),
               std::invalid_argument);
  EXPECT_THROW(write({{"__metadata__", Dtype::kF32, {}, &value}}), std::invalid_argument);
  EXPECT_THROW(write({{"\xff", Dtype::kF32, {}, &value}}), std::invalid_argument);
  EXPECT_THROW(write({{"x", Dtype::kF32, {-1}, &value}}), std::invalid_argument);
  EXPECT_THAT(folder.names(), IsEmpty());
}

TEST(Safetensors, AnExistingFileStaysAsItWas) {
  TempDir folder;
  folder.write_file("a", "precious");
  EXPECT_THAT(message_of<RunError>([&] { write_safetensors(folder.file("a"), {}); }),
              HasSubstr("a': cannot be created: File exists"));
  EXPECT_EQ(read_bytes(folder.file("a")), "precious");
}

TEST(Safetensors, AFullDiskLeavesNoFile) {
  TempDir folder;
  const std::vector<char> values(3'000'000);
  std::string message;
  {
    const FileSizeLimit full(2'000'000);
    message = message_of<RunError>([&] {
      write_safetensors(folder.file("a"), {{"x", Dtype::kU8, {3'000'000}, values.data()}});
    });
  }
  EXPECT_THAT(message, HasSubstr("a': cannot be written: "));
  EXPECT_THAT(folder.names(), IsEmpty());
}

TEST(Safetensors, AFileCutShortAfterOpeningIsAnError) {
  TempDir folder;
  const double values[4] = {};
  write_safetensors(folder.file("a"), {{"x", Dtype::kF64, {4}, values}});
  const SafetensorsFile file(folder.file("a"));
  std::filesystem::resize_file(folder.file("a"), std::filesystem::file_size(folder.file("a")) - 9);
  double out[4];
  EXPECT_THAT(message_of<RunError>([&] { file.read("x", out, sizeof(out)); }),
              HasSubstr("it was cut short while being read"));
}

}  // namespace
}  // namespace moe

// Files that someone else wrote, by accident or on purpose: each is refused by a sentence.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "configs/errors.h"
#include "data/formats/safetensors.h"
#include "tests/support/temp_dir.h"

namespace moe {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string length_bytes(uint64_t length) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(length >> (8 * i) & 0xff);
  return bytes;
}

std::string file_of(const std::string& header, size_t buffer_bytes) {
  return length_bytes(header.size()) + header + std::string(buffer_bytes, 'x');
}

// "x" with this dtype, shape and offsets.
std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return "{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}
std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return "{\"x\":" + entry(dtype, shape, offsets) + "}";
}
// Two F32 tensors of one element.
std::string two(const std::string& first, const std::string& second) {
  return "{\"a\":" + entry("\"F32\"", "[1]", first) + ",\"b\":" + entry("\"F32\"", "[1]", second) +
         "}";
}

struct Case {
  std::string what;
  std::string bytes;
  std::string expected;  // a part of the message
};

std::vector<Case> hostile_files() {
  const std::string f32 = "\"F32\"";
  std::string many_sizes = "[1";
  for (int i = 0; i < 64; ++i) many_sizes += ",1";
  many_sizes += "]";
  return {
      {"empty", "", "found 0 bytes; the first 8 are"},
      {"seven bytes", "1234567", "found 7 bytes; the first 8 are"},
      {"header longer than the file", length_bytes(3) + "{}", "the 2 bytes that follow, found 3"},
      {"header above the limit", length_bytes(100'000'001) + "{}", "at most 100000000"},
      {"header length 2^64 - 1", length_bytes(~uint64_t{0}) + "{}", "found 18446744073709551615"},
      {"header length that wraps", length_bytes(~uint64_t{0} - 7) + "{}", "header length"},
      {"no header", file_of("", 0), "header: expected a JSON object, found ''"},
      {"white space only", file_of("   ", 0), "header: expected a JSON object"},
      {"a list", file_of("[]", 0), "header: expected a JSON object, found '[]'"},
      {"byte-order mark", file_of("\xef\xbb\xbf{}", 0), "header: expected a JSON object"},
      {"cut JSON", file_of("{\"x\":", 0), "expected JSON, found an error at its byte"},
      {"NUL after the JSON", file_of(std::string("{}\0", 3), 0), "found a NUL at its byte 3"},
      {"two documents", file_of("{}{}", 0), "expected JSON, found an error"},
      {"not UTF-8", file_of("{\"\xff\":{}}", 0), "expected JSON, found an error"},
      {"NaN", file_of(one(f32, "[NaN]", "[0,4]"), 4), "expected JSON, found an error"},
      {"name twice",
       file_of(
           "{\"x\":" + entry(f32, "[1]", "[0,4]") + ",\"x\":" + entry(f32, "[1]", "[0,4]") + "}",
           4),
       "tensor 'x': found twice"},
      {"name twice by escape",
       file_of("{\"x\":" + entry(f32, "[1]", "[0,4]") +
                   ",\"\\u0078\":" + entry(f32, "[1]", "[4,8]") + "}",
               8),
       "tensor 'x': found twice"},
      {"metadata twice", file_of("{\"__metadata__\":{},\"__metadata__\":{}}", 0), "found twice"},
      {"metadata key twice", file_of("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0),
       "key 'a' found twice"},
      {"metadata number", file_of("{\"__metadata__\":{\"a\":1}}", 0),
       "'a': expected a text, found the number 1"},
      {"metadata object", file_of("{\"__metadata__\":{\"a\":{}}}", 0),
       "'a': expected a text, found an object"},
      {"metadata text", file_of("{\"__metadata__\":\"a\"}", 0),
       "expected an object, found the text 'a'"},
      {"key twice", file_of("{\"x\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", 0),
       "tensor 'x': key 'dtype' found twice"},
      {"unknown key", file_of("{\"x\":{\"strides\":[1]}}", 0),
       "tensor 'x': expected dtype, shape and data_offsets, found 'strides'"},
      {"missing key", file_of("{\"x\":{\"dtype\":\"F32\",\"shape\":[]}}", 4), "found fewer"},
      {"entry is a number", file_of("{\"x\":1}", 0), "tensor 'x': expected an object"},
      {"entry is null", file_of("{\"x\":null}", 0), "expected an object, found null"},
      {"unknown dtype", file_of(one("\"F8_E4M3\"", "[4]", "[0,4]"), 4),
       "tensor 'x': dtype: expected BOOL, U8 to U64, I8 to I64, F16, BF16, F32 or F64, found "
       "'F8_E4M3'"},
      {"dtype in lower case", file_of(one("\"f32\"", "[1]", "[0,4]"), 4), "found 'f32'"},
      {"dtype is a number", file_of(one("1", "[1]", "[0,4]"), 4),
       "'dtype': expected a text, found the number 1"},
      {"shape is a text", file_of(one(f32, "\"1\"", "[0,4]"), 4),
       "'shape': expected whole numbers"},
      {"shape is a number", file_of(one(f32, "1", "[0,4]"), 4), "'shape': expected whole numbers"},
      {"negative shape", file_of(one(f32, "[-1]", "[0,4]"), 4), "found a negative number"},
      {"minus zero", file_of(one(f32, "[-0]", "[0,0]"), 0), "found a negative number"},
      {"float in shape", file_of(one(f32, "[1.0]", "[0,4]"), 4), "found the number '1.0'"},
      {"exponent in shape", file_of(one(f32, "[1e0]", "[0,4]"), 4), "found the number '1e0'"},
      {"shape of 2^63", file_of(one(f32, "[9223372036854775808]", "[0,4]"), 4), "below 2^63"},
      {"shape of 2^64", file_of(one(f32, "[18446744073709551616]", "[0,4]"), 4),
       "found the number '18446744073709551616'"},
      {"nested shape", file_of(one(f32, "[[1]]", "[0,4]"), 4), "'shape': expected whole numbers"},
      {"65 dimensions", file_of(one(f32, many_sizes, "[0,4]"), 4), "at most 64 dimensions"},
      {"size that overflows", file_of(one(f32, "[4294967296,4294967296]", "[0,0]"), 0),
       "shape: expected a size in bytes below 2^64"},
      {"element size that overflows", file_of(one("\"I64\"", "[2305843009213693952]", "[0,0]"), 0),
       "shape: expected a size in bytes below 2^64"},
      {"one offset", file_of(one(f32, "[1]", "[0]"), 4), "expected two numbers, found 1"},
      {"three offsets", file_of(one(f32, "[1]", "[0,4,8]"), 4), "expected two numbers, found more"},
      {"negative offset", file_of(one(f32, "[1]", "[-4,0]"), 4), "found a negative number"},
      {"float offset", file_of(one(f32, "[1]", "[0,4.0]"), 4), "found the number '4.0'"},
      {"offsets backwards", file_of(one(f32, "[1]", "[4,0]"), 4),
       "expected 4 bytes by shape and dtype, found [4, 0]"},
      {"offsets that wrap", file_of(one(f32, "[1]", "[18446744073709551612,0]"), 4),
       "expected 4 bytes by shape and dtype"},
      {"size differs", file_of(one(f32, "[2]", "[0,4]"), 4),
       "expected 8 bytes by shape and dtype, found [0, 4]"},
      {"beyond the file", file_of(one(f32, "[2]", "[0,8]"), 7),
       "expected 8 bytes of tensors after the header, found 7; the file is cut short"},
      {"trailing byte", file_of(one(f32, "[2]", "[0,8]"), 9), "found 9; something was appended"},
      {"bytes without tensors", file_of("{}", 1), "expected 0 bytes of tensors"},
      {"does not begin at 0", file_of(one(f32, "[1]", "[4,8]"), 8), "expected to begin at 0"},
      {"hole", file_of(two("[0,4]", "[8,12]"), 12),
       "tensor 'b': data_offsets: expected to begin at 4, where the one before ends, found 8"},
      {"overlap", file_of(two("[0,4]", "[2,6]"), 6), "expected to begin at 4"},
      {"same bytes twice", file_of(two("[0,4]", "[0,4]"), 4), "expected to begin at 4"},
      {"a very deep list", file_of("{\"x\":" + std::string(1'000'000, '['), 0),
       "tensor 'x': expected an object, found a list"},
      {"a very deep object", file_of(one(f32, "{\"a\":{\"a\":{\"a\":1}}}", "[0,4]"), 4),
       "'shape': expected whole numbers"},
      {"a name that would drive the terminal", file_of("{\"\\u001b[2J\\n\":1}", 0),
       "tensor '\\x1b[2J\\n': expected an object"},
  };
}

TEST(SafetensorsHostile, EachIsRefusedByASentence) {
  TempDir folder;
  for (const auto& hostile : hostile_files()) {
    SCOPED_TRACE(hostile.what);
    const std::string path = folder.write_file("a.safetensors", hostile.bytes);
    EXPECT_THAT(message_of<RunError>([&] { SafetensorsFile file(path); }),
                AllOf(testing::StartsWith("'" + path + "': "), HasSubstr(hostile.expected)));
  }
}

TEST(SafetensorsHostile, UnusualButLegalIsRead) {
  TempDir folder;
  const std::vector<std::pair<std::string, size_t>> files = {
      {"{}", 0},
      {" \n\t{} \r\n ", 0},
      {"{\"__metadata__\":{}}", 0},
      {one("\"F32\"", "[]", "[0,4]"), 4},
      {one("\"F32\"", "[0,9223372036854775807]", "[0,0]"), 0},
      {two("[4,8]", "[0,4]"), 8},  // not in the order of the buffer
      {"{\"a\":" + entry("\"U8\"", "[1]", "[0,1]") + ",\"e\":" + entry("\"F32\"", "[0]", "[1,1]") +
           ",\"b\":" + entry("\"F32\"", "[1]", "[1,5]") + "}",
       5},  // an empty tensor in between, and one that is not aligned
      {"{\"x\":{\"data_offsets\":[0,4],\"shape\":[1],\"dtype\":\"F32\"}}", 4},
  };
  for (const auto& [header, bytes] : files) {
    SCOPED_TRACE(header);
    EXPECT_NO_THROW(SafetensorsFile(folder.write_file("a", file_of(header, bytes))));
  }
}

// Every single byte of a small good file, cut there or changed: refused or read, never a crash.
TEST(SafetensorsHostile, CutsAndFlipsNeverCrash) {
  TempDir folder;
  const std::string good = file_of(two("[0,4]", "[4,8]"), 8);
  for (size_t at = 0; at < good.size(); ++at) {
    const std::string path = folder.write_file("a", good.substr(0, at));
    EXPECT_THROW(SafetensorsFile file(path), RunError) << "cut to " << at << " bytes";
    for (const int flip : {0x01, 0x10, 0x80}) {
      std::string changed = good;
      changed[at] = static_cast<char>(changed[at] ^ flip);
      folder.write_file("a", changed);
      try {
        SafetensorsFile file(folder.file("a"));
      } catch (const RunError&) {
      }
    }
  }
}

// A file that does hold such a header (a hole on disk): refused before anything is allocated.
TEST(SafetensorsHostile, ALongHeaderIsRefusedThoughItIsThere) {
  TempDir folder;
  const std::string path = folder.write_file("a", length_bytes(100'000'001) + "{");
  std::filesystem::resize_file(path, 100'000'100);
  EXPECT_THAT(message_of<RunError>([&] { SafetensorsFile file(path); }),
              HasSubstr("header length: expected at most 100000000"));
}

TEST(SafetensorsHostile, WhatIsNoFileDoesNotHang) {
  TempDir folder;
  ASSERT_EQ(::mkfifo(folder.file("fifo").c_str(), 0600), 0);
  EXPECT_THAT(message_of<RunError>([&] { SafetensorsFile file(folder.file("fifo")); }),
              HasSubstr("found a FIFO"));
  EXPECT_THAT(message_of<RunError>([&] { SafetensorsFile file(folder.path()); }),
              HasSubstr("found a directory"));
  EXPECT_THAT(message_of<RunError>([&] { SafetensorsFile file("/dev/zero"); }),
              HasSubstr("found a device"));
}

}  // namespace
}  // namespace moe

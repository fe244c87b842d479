#include "data/formats/json_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/errors.h"
#include "tests/support/temp_dir.h"

namespace moe {
namespace {

std::string refusal(const std::string& text, const JsonLimits& limits = {}) {
  return message_of<RunError>([&] { parse_json_object(text, "f", limits); });
}

TEST(JsonText, ReadsAnObjectInItsOrder) {
  const Json json = parse_json_object(" {\"b\":[1,{\"b\":2}],\"a\":null} \n", "f");
  EXPECT_EQ(json.dump(), "{\"b\":[1,{\"b\":2}],\"a\":null}");
}

TEST(JsonText, RefusesWhatIsNone) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "f: expected a JSON object, found ''"},
      {"\xef\xbb\xbf{}", "f: expected a JSON object, found '\xef\xbb\xbf{}'"},
      {"null", "f: expected a JSON object, found 'null'"},
      {"{", "f: expected JSON, found an error at byte 2"},
      {"{\"a\":NaN}", "f: expected JSON, found an error at byte 6"},
      {"{\"a\":\"\xff\"}", "f: expected JSON, found an error at byte 7"},
      {"{}{}", "f: expected JSON, found an error at byte 3"},
      {std::string("{}\0{", 4), "f: expected JSON, found a NUL at byte 3"},
      {"{\"a\":1e999}", "f: expected numbers that fit double precision, found a larger one"},
      {"{\"a\":{\"b\":1,\"c\":2,\"b\":3}}", "f: expected every key once, found 'b' twice"},
      {"{\"a\":1,\"\\u0061\":2}", "f: expected every key once, found 'a' twice"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(refusal(text), expected);
}

TEST(JsonText, HasLimits) {
  const std::string four = "{\"a\":[[{}]]}";
  EXPECT_NO_THROW(parse_json_object(four, "f", {4, 100, 100}));
  EXPECT_EQ(refusal(four, {3, 100, 100}), "f: expected at most 3 levels of nesting, found more");
  EXPECT_NO_THROW(parse_json_object("{\"a\":[1,2]}", "f", {9, 4, 9}));
  EXPECT_EQ(refusal("{\"a\":[1,2]}", {9, 3, 9}), "f: expected at most 3 values, found more");
  EXPECT_NO_THROW(parse_json_object("{\"a\":1,\"b\":{\"c\":2}}", "f", {9, 9, 2}));
  EXPECT_EQ(refusal("{\"a\":1,\"b\":2,\"c\":3}", {9, 9, 2}),
            "f: expected at most 2 keys in one object, found more");
  // As deep as would overflow the stack of what copies or prints the tree.
  EXPECT_EQ(refusal("{\"a\":" + std::string(1'000'000, '[')),
            "f: expected at most 16 levels of nesting, found more");
}

TEST(JsonText, ReadsFilesUpToALength) {
  TempDir folder;
  const auto path = folder.write_file("a.json", "{\"a\":1}");
  EXPECT_EQ(read_json_object(path, 7)["a"], 1);
  EXPECT_EQ(message_of<RunError>([&] { read_json_object(path, 6); }),
            "'" + path + "': expected at most 6 bytes, found 7");
}

TEST(JsonText, ValuesAreWhatTheirReadersExpect) {
  const Json json = parse_json_object(
      "{\"n\":9223372036854775807,\"big\":9223372036854775808,\"minus\":-1,\"half\":0.5,"
      "\"text\":\"x\",\"list\":[1]}",
      "f");
  EXPECT_EQ(count_at(json, "n", "f"), 9223372036854775807);
  EXPECT_EQ(number_at(json, "half", "f"), 0.5);
  EXPECT_EQ(number_at(json, "minus", "f"), -1);
  EXPECT_EQ(text_at(json, "text", "f"), "x");
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"big", "'9223372036854775808'"}, {"minus", "'-1'"}, {"half", "'0.5'"},
      {"text", "'\"x\"'"},              {"list", "'[1]'"}, {"gone", "none"},
  };
  for (const auto& [key, found] : cases) {
    EXPECT_EQ(message_of<RunError>([&] { count_at(json, key, "f"); }),
              "f: " + key + ": expected a whole number from 0 on, found " + found);
  }
  EXPECT_EQ(message_of<RunError>([&] { number_at(json, "text", "f"); }),
            "f: text: expected a number, found '\"x\"'");
  EXPECT_EQ(message_of<RunError>([&] { text_at(json, "n", "f"); }),
            "f: n: expected a text, found '9223372036854775807'");
}

}  // namespace
}  // namespace moe

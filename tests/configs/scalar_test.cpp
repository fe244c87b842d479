#include "configs/scalar.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

namespace moe {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();

TEST(ParseInteger, TakesWholeNumbersInEveryDecimalSpelling) {
  const std::pair<const char*, int64_t> cases[] = {{"0", 0},
                                                   {"-0", 0},
                                                   {"7", 7},
                                                   {"-12", -12},
                                                   {"1e5", 100000},
                                                   {"2.5e3", 2500},
                                                   {"1E+2", 100},
                                                   {"1.0", 1},
                                                   {"1200e-2", 12},
                                                   {"0e99999", 0},
                                                   {"0.00e0", 0},
                                                   {"9223372036854775807", kMax},
                                                   {".5e1", 5},
                                                   {"1e05", 100000},
                                                   {"-9223372036854775808", kMin},
                                                   {"9.223372036854775807e18", kMax}};
  for (const auto& [text, value] : cases) {
    EXPECT_EQ(parse_integer(text).value, value) << text << ": " << parse_integer(text).why;
  }
}

TEST(ParseInteger, RefusesTheRestAndSaysWhy) {
  const std::pair<const char*, const char*> cases[] = {
      {"010", "leading zeros are refused: some programs read them as octal"},
      {"-01", "leading zeros are refused: some programs read them as octal"},
      {"0x10", "write it in decimal"},
      {"0o17", "write it in decimal"},
      {"1_000", "write the digits without separators"},
      {"1,000", "write the digits without separators"},
      {"+5", "write it without '+'"},
      {"1.5", "not a whole number"},
      {"1e-1", "not a whole number"},
      {"9223372036854775808", "beyond 64 bits"},
      {"-9223372036854775809", "beyond 64 bits"},
      {"1e19", "beyond 64 bits"},
      {"1e99999999999999999999", "beyond 64 bits"},
      {"1e", "no digits after 'e'"},
      {"inf", "only finite numbers"},
      {"four", ""},
      {"", ""},
      {"-", ""},
      {"5 6", ""},
      {"4k", ""}};
  for (const auto& [text, why] : cases) {
    EXPECT_FALSE(parse_integer(text).value.has_value()) << text;
    EXPECT_EQ(parse_integer(text).why, why) << text;
  }
}

TEST(ParseNumber, TakesFiniteDecimals) {
  const std::pair<const char*, double> cases[] = {
      {"0", 0},       {"1", 1},        {"-0.5", -0.5}, {".5", 0.5}, {"3e-4", 3e-4},
      {"1e20", 1e20}, {"1e+20", 1e20}, {"0.1", 0.1},   {"1.", 1},   {"5e-324", 5e-324}};
  for (const auto& [text, value] : cases) EXPECT_EQ(parse_number(text).value, value) << text;
  EXPECT_TRUE(std::signbit(*parse_number("-0").value));
}

TEST(ParseNumber, RefusesTheRestAndSaysWhy) {
  const std::pair<const char*, const char*> cases[] = {
      {"nan", "only finite numbers"},
      {".inf", "only finite numbers"},
      {"-.INF", "only finite numbers"},
      {"1e400", "beyond the range of double precision"},
      {"00.5", "leading zeros are refused: some programs read them as octal"},
      {"010", "leading zeros are refused: some programs read them as octal"},
      {"0x1p3", "write it in decimal"},
      {"1_0", "write the digits without separators"},
      {"1.2.3", ""},
      {"1,5", "write the digits without separators"},
      {".", ""},
      {"1e5f", ""}};
  for (const auto& [text, why] : cases) {
    EXPECT_FALSE(parse_number(text).value.has_value()) << text;
    EXPECT_EQ(parse_number(text).why, why) << text;
  }
}

TEST(ParseBoolean, TakesTwoWordsOnly) {
  EXPECT_EQ(parse_boolean("true").value, true);
  EXPECT_EQ(parse_boolean("false").value, false);
  for (const char* text : {"True", "yes", "on", "1"}) {
    EXPECT_FALSE(parse_boolean(text).value.has_value()) << text;
    EXPECT_EQ(parse_boolean(text).why, "write true") << text;
  }
  for (const char* text : {"FALSE", "no", "off", "0"}) {
    EXPECT_EQ(parse_boolean(text).why, "write false") << text;
  }
  EXPECT_EQ(parse_boolean("maybe").why, "");
}

TEST(NumberText, IsWhatPeopleWrite) {
  EXPECT_EQ(number_text(1000000), "1000000");
  EXPECT_EQ(number_text(0.1), "0.1");
  EXPECT_EQ(number_text(1e-5), "1e-5");
  EXPECT_EQ(number_text(1e20), "1e20");
  EXPECT_EQ(number_text(1e-100), "1e-100");
  EXPECT_EQ(number_text(-0.0), "-0");
}

TEST(NumberText, ReadsBackTheSameBits) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 100000; ++i) {
    const uint64_t bits = random();
    double value;
    std::memcpy(&value, &bits, sizeof value);
    if (!std::isfinite(value)) continue;
    const Parsed<double> back = parse_number(number_text(value));
    ASSERT_TRUE(back.value.has_value()) << number_text(value) << ": " << back.why;
    ASSERT_EQ(std::memcmp(&*back.value, &value, sizeof value), 0) << number_text(value);
  }
}

}  // namespace
}  // namespace moe

#include "data/data_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/config_io.h"
#include "tests/support/temp_dir.h"

namespace moe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string error_of(const std::string& yaml) {
  return message_of<ConfigError>([&] { parse_config<DataConfig>(yaml); });
}

TEST(DataConfig, ReadsAndPrints) {
  auto config = parse_config<DataConfig>(
      "train: [a.txt, 'b/*.gz']\nvalid: c.txt\nblock_bytes: 4096\nvalid_fraction: 0.1\n");
  EXPECT_THAT(config.train, ElementsAre("a.txt", "b/*.gz"));
  EXPECT_THAT(config.valid, ElementsAre("c.txt"));
  EXPECT_EQ(config.block_bytes, 4096);
  EXPECT_EQ(config.valid_fraction, 0.1);
  EXPECT_EQ(config.tokenizer, "byte");
  const std::string printed = print_config(view_of(config));
  auto again = parse_config<DataConfig>(printed);
  EXPECT_EQ(print_config(view_of(again)), printed);
}

TEST(DataConfig, RefusesWhatCannotBe) {
  EXPECT_THAT(error_of("{}"), HasSubstr("train: expected at least one text file or glob, found "
                                        "none; name your text, for example data.train=my.txt"));
  EXPECT_THAT(error_of("train: ''"), HasSubstr("train: expected file names or globs"));
  EXPECT_THAT(error_of("{train: a, valid: [b, '']}"), HasSubstr("valid: expected file names or"));
  EXPECT_THAT(error_of("{train: a, valid_fraction: 0}"), HasSubstr("valid_fraction: expected"));
  EXPECT_THAT(error_of("{train: a, valid_fraction: 0.51}"), HasSubstr("at most 0.5"));
  EXPECT_THAT(error_of("{train: a, block_bytes: 1023}"), HasSubstr("at least 1024"));
  EXPECT_THAT(error_of("{train: a, tokenizer: word}"), HasSubstr("byte"));
}

TEST(DataConfig, SourcesStandInPlaceOfTheSimpleForm) {
  const auto config = parse_config<DataConfig>(
      "sources: {wiki: {train: a.txt, weight: 3}, code: {train: [b, c], valid: d}}\n");
  EXPECT_EQ(config.sources[0].second.weight, 3);
  EXPECT_THAT(config.sources[1].second.train, ElementsAre("b", "c"));
  EXPECT_EQ(error_of("{train: a, sources: {x: {train: b}}}"),
            "config:1:2: train: expected either `train` or `sources`, found both: make this text a "
            "source, or leave one out with data.train=[] or data.sources={}");
  EXPECT_THAT(error_of("{valid: a, sources: {x: {train: b}}}"),
              HasSubstr("valid: expected `valid` within each of `sources`, found it beside them"));
  EXPECT_EQ(error_of("sources: {x: {valid: b}}"),
            "config:1:11: sources.x.train: expected at least one text file or glob, found none; name "
            "this source's text");
  EXPECT_THAT(error_of("sources: {x: {train: b, weight: 0}}"),
              HasSubstr("sources.x.weight: expected a number above 0, found '0'"));
  EXPECT_EQ(error_of("sources: {x: {train: b, weight: 1e-7}, y: {train: c}}"),
            "config:1:25: sources.x.weight: expected at least a millionth of all weights together, "
            "found 1e-7 of 1.0000001; leave a source out with data.sources.x=none");
  EXPECT_THAT(error_of("sources: {x: {train: b, weight: 1e308}, y: {train: c, weight: 1e308}}"),
              HasSubstr("sources.x.weight: expected at least a millionth"));
}

TEST(DataConfig, SeparatorsAreTexts) {
  const auto config = parse_config<DataConfig>("{train: a, documents: separator, separator: \"\\x1e\"}");
  EXPECT_EQ(config.separator, "\x1e");
  EXPECT_THAT(error_of("{train: a, separator: ''}"), HasSubstr("expected 1 to 256 bytes, found 0"));
  EXPECT_THAT(error_of("{train: a, documents: blank}"), HasSubstr("none, file or separator"));
}

TEST(DataConfig, LimitsBelong) {
  EXPECT_EQ(parse_config<DataConfig>("{train: a, valid_fraction: 0.5}").valid_fraction, 0.5);
  EXPECT_EQ(parse_config<DataConfig>("{train: a, block_bytes: 1024}").block_bytes, 1024);
}

}  // namespace
}  // namespace moe

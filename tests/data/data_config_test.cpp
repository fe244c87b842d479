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

TEST(DataConfig, LimitsBelong) {
  EXPECT_EQ(parse_config<DataConfig>("{train: a, valid_fraction: 0.5}").valid_fraction, 0.5);
  EXPECT_EQ(parse_config<DataConfig>("{train: a, block_bytes: 1024}").block_bytes, 1024);
}

}  // namespace
}  // namespace moe

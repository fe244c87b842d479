#include "data/byte_tokenizer.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "configs/errors.h"
#include "tests/support/temp_dir.h"

namespace moe {
namespace {

TEST(ByteTokenizer, EveryByteComesBack) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  const auto tokenizer = make_tokenizer("byte");
  const auto ids = tokenizer->encode(bytes);
  ASSERT_EQ(ids.size(), 256u);
  for (int64_t i = 0; i < 256; ++i) EXPECT_EQ(ids[static_cast<size_t>(i)], i);
  EXPECT_EQ(tokenizer->decode(ids), bytes);
}

TEST(ByteTokenizer, SpecialIdsDecodeToNothing) {
  const ByteTokenizer tokenizer;
  EXPECT_EQ(tokenizer.vocabulary(), 512);
  EXPECT_EQ(tokenizer.end_id(), 256);
  EXPECT_EQ(ByteTokenizer::kFirstSentinel, 260);
  EXPECT_EQ(tokenizer.decode({'a', 256, 257, 259, 260, 511, 'b'}), "ab");
}

TEST(ByteTokenizer, RefusesIdsOutsideTheVocabulary) {
  const ByteTokenizer tokenizer;
  EXPECT_THROW(tokenizer.decode({512}), std::out_of_range);
  EXPECT_THROW(tokenizer.decode({-1}), std::out_of_range);
}

TEST(ByteTokenizer, UnknownNameIsAConfigError) {
  EXPECT_EQ(message_of<ConfigError>([] { make_tokenizer("word"); }),
            "data.tokenizer: expected 'byte', found 'word'");
}

}  // namespace
}  // namespace moe

// Tokens that are fed after kept ones, against all of them fed at once.
#include <gtest/gtest.h>

#include <functional>

#include "layers/attention_mask.h"
#include "tests/support/bf16.h"
#include "tests/support/decoder.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

using Pieces = std::vector<int64_t>;
// What a wrong caller or a wrong decoder would do to the tokens from `begin` on.
using Change = std::function<void(ForwardContext& piece, int64_t begin)>;

ForwardContext piece_of(const ForwardContext& whole, int64_t begin, int64_t size) {
  ForwardContext piece;
  piece.token_ids = whole.token_ids.narrow(1, begin, size);
  if (whole.prefix.defined() && begin == 0) piece.prefix = whole.prefix.narrow(1, 0, size);
  return piece;
}

// [B, S, V], fed in pieces of these sizes.
Tensor in_pieces(Decoder& decoder, const ForwardContext& whole, const Pieces& pieces, const Change& change = {}) {
  const at::NoGradGuard no_grad;
  KvCache cache(whole.S());
  std::vector<Tensor> logits;
  for (const int64_t size : pieces) {
    const int64_t begin = cache.tokens();
    auto piece = piece_of(whole, begin, size);
    if (change) change(piece, begin);
    logits.push_back(decoder.forward(piece, false, &cache).logits.view({whole.B(), size, -1}));
    EXPECT_EQ(cache.tokens(), begin + size);
  }
  return at::cat(logits, 1);
}

Tensor at_once(Decoder& decoder, const ForwardContext& whole) {
  const at::NoGradGuard no_grad;
  return decoder.forward(whole).logits.view({whole.B(), whole.S(), -1});
}

// Two rows of 9 tokens; with a prefix of 3 in the first and of 4 in the second.
ForwardContext nine(bool prefix) {
  auto context = context_of(2, 9);
  if (prefix) context.prefix = at::arange(9) < longs({3, 4}).unsqueeze(1);
  return context;
}

// Values that make every position and every token matter.
std::shared_ptr<Decoder> lively(const DecoderConfig& config) {
  auto decoder = dense_decoder(config);
  const at::NoGradGuard no_grad;
  for (const auto& item : decoder->named_parameters()) {
    item.value().copy_(Initializer(5, at::kDouble).normal(item.key(), item.value().sizes(), 0.5));
  }
  return decoder;
}

const std::vector<Pieces> kPieces = {{9}, {4, 1, 1, 1, 1, 1}, {5, 4}, {4, 2, 1, 2}};

TEST(KvCache, GivesWhatFeedingEverythingAtOnceGives) {
  for (const int64_t kv_heads : {4, 2, 1}) {
    for (const bool options : {false, true}) {
      auto config = small_decoder(2);
      config.kv_heads = kv_heads;
      config.qk_norm = config.parallel_block = options;
      const auto decoder = lively(config);
      for (const bool prefix : {false, true}) {
        const auto whole = nine(prefix);
        const auto expected = at_once(*decoder, whole);
        for (const auto& pieces : kPieces) {
          EXPECT_TRUE(near(in_pieces(*decoder, whole, pieces), expected, 1e-12)) << testing::PrintToString(pieces);
        }
      }
      const auto causal = nine(false);
      EXPECT_TRUE(near(in_pieces(*decoder, causal, Pieces(9, 1)), at_once(*decoder, causal), 1e-12));
    }
  }
}

TEST(KvCache, WrongVariantsAreCaught) {
  const auto decoder = lively(small_decoder(2));
  const auto whole = nine(true);
  const auto expected = at_once(*decoder, whole);
  const auto wrong = [&](const Change& change) {
    return !near(in_pieces(*decoder, whole, {4, 1, 1, 1, 1, 1}, change), expected, 1e-3);
  };
  const auto none = [](ForwardContext&, int64_t) {};
  EXPECT_FALSE(wrong(none));
  EXPECT_TRUE(wrong([](auto& piece, int64_t) { piece.prefix = Tensor(); })) << "a causal prompt";
  EXPECT_TRUE(wrong([](auto& piece, int64_t begin) {
    if (begin > 0) piece.positions = at::zeros_like(piece.token_ids);
  })) << "positions from 0 again";
  EXPECT_TRUE(wrong([](auto& piece, int64_t begin) {
    if (begin > 0) piece.positions = at::full_like(piece.token_ids, begin + 1);
  })) << "positions one too far";
}

TEST(KvCache, KeepsHalfPrecision) {
  auto config = small_decoder(2);
  config.kv_heads = 2;
  const auto decoder = dense_decoder(config, 13, at::kFloat);
  const auto whole = nine(true);
  const Pieces pieces = {4, 1, 1, 1, 1, 1};
  EXPECT_LT(relative_error(in_pieces(*decoder, whole, pieces), at_once(*decoder, whole)), 1e-5);
  round_to_bf16(*decoder, true);
  const auto found = in_pieces(*decoder, whole, pieces);
  EXPECT_EQ(found.scalar_type(), at::kBFloat16);
  EXPECT_LT(relative_error(found, at_once(*decoder, whole)), 3e-2);
}

TEST(KvCache, SeveralTokensAfterKeptOnesSeeThoseAndTheirOwnEarlierOnes) {
  const auto context = context_of(1, 2);
  const auto expected = longs({1, 1, 1, 0, 1, 1, 1, 1}).view({2, 4});
  EXPECT_TRUE(near(attention_mask(context, 2).to(at::kLong).view({2, 4}), expected, 0));
  EXPECT_FALSE(attention_mask(context_of(1, 1), 2).defined()) << "one token sees all";
}

TEST(KvCache, RefusesWhatItCannotDo) {
  const auto decoder = lively(small_decoder(2));
  KvCache cache(6);
  const auto whole = nine(true);
  const auto refused = [&](const Change& change, bool recompute = false) {
    auto piece = piece_of(whole, cache.tokens(), 2);
    piece.prefix = Tensor();
    change(piece, cache.tokens());
    EXPECT_THROW(decoder->forward(piece, recompute, &cache), c10::Error);
  };
  const auto nothing = [](ForwardContext&, int64_t) {};
  refused(nothing);  // gradients are on
  const at::NoGradGuard no_grad;
  refused(nothing, true);
  refused([](auto& piece, int64_t) { piece.training = true; });
  refused([](auto& piece, int64_t) { piece.segments = at::zeros_like(piece.token_ids); });
  refused([](auto& piece, int64_t) { piece.valid = at::ones({2, 2}, at::kBool); });
  refused([&](auto& piece, int64_t) { piece.token_ids = whole.token_ids; });  // 9 into 6
  EXPECT_EQ(cache.tokens(), 0);
  decoder->forward(piece_of(whole, 0, 4), false, &cache);
  refused([](auto& piece, int64_t) { piece.prefix = at::ones({2, 2}, at::kBool); });
  refused([](auto& piece, int64_t) { piece.token_ids = piece.token_ids.narrow(0, 0, 1); });  // one row of two
  refused([&](auto& piece, int64_t) { piece.token_ids = whole.token_ids.narrow(1, 4, 3); });
  EXPECT_EQ(cache.tokens(), 4);
  // What was refused left nothing behind.
  const auto found = decoder->forward(piece_of(whole, 4, 2), false, &cache).logits.view({2, 2, -1});
  EXPECT_TRUE(near(found, at_once(*decoder, whole).narrow(1, 4, 2), 1e-12));
}

}  // namespace
}  // namespace moe

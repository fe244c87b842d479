// Prefixes that see themselves whole: who sees whom, what gradients say of it, and which kernel computes it.
#include <gtest/gtest.h>

#include <ATen/Context.h>
#include <ATen/record_function.h>

#include <functional>
#include <set>
#include <string>

#include "layers/attention_mask.h"
#include "tests/support/decoder.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

Tensor row_of(const std::vector<int64_t>& values) { return longs(values).unsqueeze(0); }
Tensor flags(const std::vector<int64_t>& values) { return row_of(values).to(at::kBool); }

// Two packed examples, the prefixes of which are 4 and 3 tokens, and 2 tokens of padding.
struct Packed {
  std::vector<int64_t> segment = {0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2};
  std::vector<int64_t> prefix = {1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0};
  std::vector<int64_t> position = {0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 0, 0};
  std::vector<int64_t> valid = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0};

  int64_t size() const { return static_cast<int64_t>(segment.size()); }
  ForwardContext context() const {
    ForwardContext context;
    context.token_ids = at::arange(size(), at::kLong).unsqueeze(0);  // every place its own id
    context.positions = row_of(position);
    context.segments = row_of(segment);
    context.prefix = flags(prefix);
    context.valid = flags(valid);
    return context;
  }
  // The rule, place by place.
  bool sees(int64_t query, int64_t key) const {
    const auto q = static_cast<size_t>(query), k = static_cast<size_t>(key);
    return q == k || (segment[q] == segment[k] && valid[k] && (key < query || (prefix[q] && prefix[k])));
  }
};

// facts: segments 1 1 1 2 2 2 0 and bidirectional 1 1 0 1 1 0 0. Published rows have nothing for the padding; here
// it sees itself.
TEST(PrefixMask, HasThePublishedRows) {
  ForwardContext context = context_of(1, 7);
  context.segments = row_of({1, 1, 1, 2, 2, 2, 0});
  context.prefix = flags({1, 1, 0, 1, 1, 0, 0});
  context.valid = flags({1, 1, 1, 1, 1, 1, 0});
  const auto expected = longs({1, 1, 0, 0, 0, 0, 0,  //
                               1, 1, 0, 0, 0, 0, 0,  //
                               1, 1, 1, 0, 0, 0, 0,  //
                               0, 0, 0, 1, 1, 0, 0,  //
                               0, 0, 0, 1, 1, 0, 0,  //
                               0, 0, 0, 1, 1, 1, 0,  //
                               0, 0, 0, 0, 0, 0, 1});
  EXPECT_TRUE(near(attention_mask(context).to(at::kLong).view({7, 7}), expected.view({7, 7}), 0));
  const auto bias = attention_bias(context, at::kDouble).view({7, 7});
  EXPECT_TRUE(near(bias.exp(), expected.view({7, 7}), 0)) << "0 where allowed, -inf elsewhere";
}

// [S, S] of 0 and 1: whether what two blocks make of place q depends on place k of their input, by gradient.
Tensor depends(const ForwardContext& context, const Tensor& allowed) {
  const auto config = small_decoder(2);
  const auto rotary = rotary_table(context.position_ids(), config.head_width(), config.rope_theta, at::kDouble);
  const int64_t S = context.S();
  const auto bias = at::zeros({1, 1, S, S}, at::kDouble).masked_fill(allowed.logical_not(), -INFINITY);
  const auto x = draw({1, S, 16}).requires_grad_(true);
  auto h = x;
  for (const char* name : {"first", "second"}) {
    const auto init = Initializer(1, at::kDouble).in(name);
    Block block(config, std::make_shared<Mlp>(16, 24, Activation::kSwiglu, 1, init.in("feed_forward")), init);
    h = block.forward(h, rotary, bias, context).y;
  }
  const auto weights = draw({16}, "cotangent");
  std::vector<Tensor> rows;
  for (int64_t q = 0; q < S; ++q) {
    const auto grad = torch::autograd::grad({h[0][q].dot(weights)}, {x}, {}, /*retain_graph=*/true)[0];  // [1, S, D]
    rows.push_back((grad[0] != 0).any(1));
  }
  return at::stack(rows).to(at::kLong);
}

TEST(PrefixMask, GradientsReachExactlyWhatMayBeSeen) {
  const Packed packed;
  const auto context = packed.context();
  const int64_t S = packed.size();
  std::vector<int64_t> rule;
  for (int64_t q = 0; q < S; ++q) {
    for (int64_t k = 0; k < S; ++k) rule.push_back(packed.sees(q, k) ? 1 : 0);
  }
  const auto expected = longs(rule).view({S, S});
  EXPECT_TRUE(near(depends(context, attention_mask(context)), expected, 0));

  const auto place = at::arange(S, at::kLong);
  const auto causal = place.unsqueeze(0) <= place.unsqueeze(1);                                     // [S, S]
  const auto same = context.segments[0].unsqueeze(0) == context.segments[0].unsqueeze(1);
  const auto prefix = context.prefix[0];
  const auto itself = at::eye(S, at::kBool);
  const auto caught = [&](const Tensor& allowed) {
    return !near(depends(context, (allowed | itself).expand({1, 1, S, S})), expected, 0);
  };
  const auto both = prefix.unsqueeze(0) & prefix.unsqueeze(1);
  const auto valid = context.valid;  // [1, S], of keys
  EXPECT_FALSE(caught((causal | both) & same & valid));
  EXPECT_TRUE(caught(causal & same & valid)) << "a causal prefix";
  EXPECT_TRUE(caught((causal | both) & valid)) << "no segments";
  EXPECT_TRUE(caught((causal & same & valid) | both)) << "segments of the causal part alone";
  EXPECT_TRUE(caught((causal | prefix.unsqueeze(0)) & valid)) << "every prefix is seen by all";
  EXPECT_TRUE(caught((causal | both | at::ones({S, S}, at::kBool)) & same & valid)) << "targets see what comes";
}

// The gradient of the loss of the token that place q predicts, in the embedding of every place: [S] sums of magnitudes.
Tensor loss_gradient(Decoder& decoder, const ForwardContext& context, int64_t q) {
  const auto logits = decoder.forward(context).logits;  // [S, V]
  const auto loss = logits[q].logsumexp(0) - logits[q][7];
  const auto embedding = decoder.named_parameters()["embedding"];
  return torch::autograd::grad({loss}, {embedding})[0].abs().sum(1).narrow(0, 0, context.S());
}

// What is wrong with the gradients of all targets of `packed`, from a context that may be another.
std::string leaks(const Packed& packed, const ForwardContext& context) {
  auto config = small_decoder(2);
  config.tie_embeddings = false;  // so that an embedding's gradient is its place's alone
  const auto decoder = dense_decoder(config, packed.size());
  std::string found;
  for (int64_t q = 0; q < packed.size(); ++q) {
    const auto i = static_cast<size_t>(q);
    const bool last_of_prefix = i + 1 < packed.prefix.size() && packed.prefix[i] && !packed.prefix[i + 1];
    if (!packed.valid[i] || (packed.prefix[i] && !last_of_prefix)) continue;  // predicts no target
    const auto gradient = loss_gradient(*decoder, context, q);
    for (int64_t k = 0; k < packed.size(); ++k) {
      const bool reached = gradient[k].item<double>() != 0;
      if (reached != packed.sees(q, k)) {
        found += std::to_string(q) + (reached ? " sees " : " misses ") + std::to_string(k) + "; ";
      }
    }
  }
  return found;
}

TEST(PrefixMask, ATargetsLossSeesItsWholePrefixNoFutureTargetAndNoOtherDocument) {
  const Packed packed;
  EXPECT_EQ(leaks(packed, packed.context()), "");
  const auto with = [&](const std::function<void(ForwardContext&)>& change) {
    auto context = packed.context();
    change(context);
    return leaks(packed, context);
  };
  // One token too many is in the prefix: the one before the first target sees it.
  EXPECT_EQ(with([](auto& c) { c.prefix = flags({1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0}); }), "3 sees 4; ");
  EXPECT_NE(with([](auto& c) { c.segments = Tensor(); }), "") << "documents see each other";
  EXPECT_NE(with([](auto& c) { c.segments = row_of({0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3}); }), "")
      << "targets without their prefix";
}

// Every operator that runs in `body`.
std::set<std::string> operators_in(const std::function<void()>& body) {
  static std::set<std::string> names;
  names.clear();
  const auto handle = at::addThreadLocalCallback(
      at::RecordFunctionCallback([](const at::RecordFunction& function) -> std::unique_ptr<at::ObserverContext> {
        names.insert(function.name());
        return nullptr;
      }).scopes({at::RecordScope::FUNCTION}));
  body();
  at::removeCallback(handle);
  return names;
}

TEST(PrefixMask, StaysOnTheFusedPath) {
  const std::string fused = "aten::_scaled_dot_product_flash_attention_for_cpu";
  const std::string plain = "aten::_scaled_dot_product_attention_math";
  const auto of_pass = [](at::ScalarType dtype) {
    const auto decoder = dense_decoder(small_decoder(1), 14, dtype);
    return operators_in([&] { decoder->forward(Packed().context()).logits.sum().backward(); });
  };
  for (const auto dtype : {at::kFloat, at::kDouble}) {
    const auto names = of_pass(dtype);
    EXPECT_EQ(names.count(fused), 1u) << dtype;
    EXPECT_EQ(names.count(plain), 0u) << dtype;
  }
  // The recorder can tell.
  at::globalContext().setSDPUseFlash(false);
  const auto names = of_pass(at::kFloat);
  at::globalContext().setSDPUseFlash(true);
  EXPECT_EQ(names.count(fused), 0u);
  EXPECT_EQ(names.count(plain), 1u);
}

}  // namespace
}  // namespace moe

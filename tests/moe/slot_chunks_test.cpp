// model.moe.max_slots_per_chunk: slots in chunks give what all at once give.
#include "moe/slot_chunks.h"

#include <gtest/gtest.h>

#include "moe/dispatcher.h"
#include "tests/support/gates.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

constexpr int64_t kTokens = 24, kWidth = 8, kHidden = 6, kExperts = 5;

// Any routing as a gate would give it: live slots by a mask, statistics of them.
Routing routing_of(const Tensor& expert, const Tensor& weight) {
  Routing routing;
  routing.expert = expert;
  routing.weight = weight;
  routing.stats = gate_stats(routing, at::zeros({expert.size(0), kExperts}, weight.options()), {}, {});
  return routing;
}

struct Case {
  const char* name;
  Tensor expert;  // [T, K]
  Tensor weight;
};

// Experts 1 and 4 are empty in the first; the last has a token with no slot and one with all.
std::vector<Case> cases() {
  const Initializer draw(4, at::kDouble);
  const auto any = draw.uniform("weight", {kTokens, 2}, 0.4) + 0.5;
  const auto first = at::arange(kTokens, at::kLong).remainder(2) * 2;  // 0, 2, 0, 2, ...
  const auto top = at::stack({first, at::full({kTokens}, 3, at::kLong)}, 1);
  auto dropped = top.clone();
  dropped.narrow(0, 3, 9).select(1, 0).fill_(kEmpty);
  auto dense = draw.uniform("dense", {kTokens, kExperts}, 1).clamp_min(0);
  dense[5].fill_(0);
  dense[6].fill_(0.2);
  const auto all = at::arange(kExperts, at::kLong).expand({kTokens, kExperts});
  return {{"top_2", top, any},
          {"top_2 with drops", dropped, any * (dropped != kEmpty)},
          {"sparse of all experts", all, dense},
          {"all experts", all, draw.uniform("full", {kTokens, kExperts}, 0.4) + 0.5},
          {"nothing", all, at::zeros({kTokens, kExperts}, at::kDouble)}};
}

struct Pass {
  Dispatched dispatched;
  std::vector<Tensor> tensors;  // y and every gradient
};

Pass pass_of(const Dispatcher& dispatcher, const Case& test, Activation activation,
             at::ScalarType dtype = at::kDouble, bool frozen = false) {
  Experts experts(kExperts, kWidth, kHidden, activation, 1, Initializer(2, at::kDouble));
  experts.to(dtype);
  if (frozen) {
    for (auto& parameter : experts.parameters()) parameter.set_requires_grad(false);
  }
  const Initializer draw(7, at::kDouble);
  const auto x = draw.normal("x", {kTokens, kWidth}, 1).to(dtype).requires_grad_(true);
  const auto weight =
      test.weight.to(dtype == at::kDouble ? dtype : at::kFloat).detach().clone().requires_grad_(true);
  Pass pass;
  pass.dispatched = dispatcher.run(x, routing_of(test.expert, weight), experts);
  const auto& y = pass.dispatched.y;
  pass.tensors = {y.detach()};
  if (y.requires_grad()) y.backward(draw.normal("dy", y.sizes(), 1).to(dtype));
  for (const auto& tensor : {x, weight}) pass.tensors.push_back(tensor.grad());
  for (const auto& parameter : experts.parameters()) pass.tensors.push_back(parameter.grad());
  return pass;
}

TEST(SlotChunks, OfAnySizeGiveWhatAllAtOnceGive) {
  for (const auto& test : cases()) {
    for (const auto activation : {Activation::kSwiglu, Activation::kRelu}) {
      const auto expected = pass_of(SparseDispatcher(), test, activation);
      for (const int64_t chunk : {1, 5, 12, 24, 47, 48, 1000}) {
        SCOPED_TRACE(std::string(test.name) + ", chunks of " + std::to_string(chunk));
        const auto found = pass_of(SparseDispatcher(chunk), test, activation);
        for (size_t i = 0; i < expected.tensors.size(); ++i) {
          EXPECT_TRUE(near(found.tensors[i], expected.tensors[i], 1e-12)) << "tensor " << i;
        }
        const int64_t rows = expected.dispatched.rows_executed;
        EXPECT_EQ(found.dispatched.rows_executed, rows);
        EXPECT_EQ(found.dispatched.host_syncs, 1);
        EXPECT_DOUBLE_EQ(found.dispatched.rows_recomputed,
                         rows <= chunk ? 0 : static_cast<double>(rows) * recomputed_share(activation));
      }
    }
  }
}

// Dense dispatch would hold all T x E at once.
TEST(SlotChunks, TakeThePlaceOfDenseDispatchUnderAuto) {
  const auto test = cases()[3];  // every slot is live
  const int64_t all = kTokens * kExperts;
  const auto dense = pass_of(AutoDispatcher(), test, Activation::kSwiglu);
  for (const auto& [chunk, recomputed] : {std::pair{all, 0.0}, {all - 1, all * 2.0 / 3}}) {
    const auto found = pass_of(AutoDispatcher(chunk), test, Activation::kSwiglu);
    EXPECT_DOUBLE_EQ(found.dispatched.rows_recomputed, recomputed);
    for (size_t i = 0; i < dense.tensors.size(); ++i) {
      EXPECT_TRUE(near(found.tensors[i], dense.tensors[i], 1e-12)) << "tensor " << i;
    }
  }
}

TEST(SlotChunks, FrozenExpertsGetNoGradientAndTheRestDoes) {
  const auto test = cases()[0];
  const auto expected = pass_of(SparseDispatcher(), test, Activation::kSwiglu, at::kDouble, true);
  const auto found = pass_of(SparseDispatcher(7), test, Activation::kSwiglu, at::kDouble, true);
  for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(near(found.tensors[i], expected.tensors[i], 1e-12)) << i;
  EXPECT_FALSE(found.tensors[3].defined());
  EXPECT_FALSE(found.tensors[4].defined());
}

// bf16 rows are padded to few sizes; padding belongs to no token.
TEST(SlotChunks, FollowFloat32InHalfPrecision) {
  for (const auto& test : cases()) {
    const auto half = pass_of(SparseDispatcher(100), test, Activation::kSwiglu, at::kBFloat16);
    const auto full = pass_of(SparseDispatcher(), test, Activation::kSwiglu, at::kBFloat16);
    for (size_t i = 0; i < full.tensors.size(); ++i) {
      EXPECT_EQ(half.tensors[i].scalar_type(), full.tensors[i].scalar_type());
      EXPECT_LT(relative_error(half.tensors[i], full.tensors[i]), 0.02) << test.name << ' ' << i;
    }
  }
}

}  // namespace
}  // namespace moe

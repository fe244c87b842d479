// Half precision: experts compute in bf16, gates and sums over slots in float32.
#include <gtest/gtest.h>

#include "moe/grouped_product.h"
#include "moe/make_moe_layer.h"
#include "moe/slot_order.h"
#include "tests/support/bf16.h"
#include "tests/support/gates.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

// bf16 has 8 significant bits, and a value passes some five roundings from x to y or to a gradient.
constexpr double kTolerance = 0.02;

Routing routing_of(std::vector<int64_t> experts, int64_t K) {
  Routing routing;
  const int64_t T = static_cast<int64_t>(experts.size()) / K;
  routing.expert = longs(experts).view({T, K});
  routing.weight = at::ones({T, K});
  return routing;
}

TEST(Bf16, SumsOverSlotsAreFormedInFloat32) {
  // 256 + 1 is 256 in bf16, so eight ones would be lost one by one.
  const auto order = slot_order(routing_of({0, 1, 2, 3, 4, 5, 6, 7, 8}, 9), {{1, 1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1, 1}});
  auto rows = at::ones({9, 2}, at::kBFloat16);
  rows[0].fill_(256);
  const auto y = combine_rows(rows, at::ones({1, 9}), order);
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(near(y, at::full({1, 2}, 264.), 0));

  const auto x = at::ones({1, 2}, at::kBFloat16).requires_grad_(true);
  gather_rows(x, order).backward(rows);
  EXPECT_EQ(x.grad().scalar_type(), at::kBFloat16);
  EXPECT_TRUE(near(x.grad(), at::full({1, 2}, 264.), 0));
}

TEST(Bf16, WeightsAndTheirGradientsAreNotRounded) {
  const auto order = slot_order(routing_of({0, 1}, 2), {{1, 1}, {1, 1}});
  const auto weight = at::tensor({1.001f, 1.f}).view({1, 2}).requires_grad_(true);
  const auto rows = at::tensor({256.f, -256.f}).view({2, 1}).to(at::kBFloat16).requires_grad_(true);
  const auto y = combine_rows(rows, weight, order);
  EXPECT_NEAR(y.item<float>(), 0.256, 0.001) << "1.001 is 1 in bf16";
  y.backward(at::full({1, 1}, 1.f / 128, at::kBFloat16));
  EXPECT_EQ(weight.grad().scalar_type(), at::kFloat);
  EXPECT_EQ(rows.grad().scalar_type(), at::kBFloat16);
  EXPECT_TRUE(near(weight.grad(), at::tensor({2.f, -2.f}).view({1, 2}), 0));
}

TEST(Bf16, GroupedProductsAreThoseOfFloat32Rounded) {
  const std::vector<int64_t> offsets = {0, 40, 40, 64};
  const auto draw = [](const char* name, at::IntArrayRef shape) {
    return Initializer(1).normal(name, shape, 1).to(at::kBFloat16);
  };
  for (const bool transposed : {true, false}) {
    std::vector<std::vector<Tensor>> results;
    for (const auto dtype : {at::kBFloat16, at::kFloat}) {
      const auto x = draw("x", {64, 32}).to(dtype).requires_grad_(true);
      const auto w = draw("w", transposed ? at::IntArrayRef{3, 48, 32} : at::IntArrayRef{3, 32, 48})
                         .to(dtype)
                         .requires_grad_(true);
      const auto y = grouped_product(x, w, offsets, transposed);
      EXPECT_EQ(y.scalar_type(), dtype);
      y.backward(draw("dy", {64, 48}).to(dtype));
      results.push_back({y, x.grad(), w.grad()});
    }
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_LT(relative_error(results[0][i], results[1][i]), 0.004) << i;  // half a unit is 0.002
    }
    EXPECT_EQ(results[0][2][1].abs().max().item<float>(), 0);
  }
}

struct Pass {
  Tensor y;
  std::map<std::string, Tensor> gradients;
};

Pass pass_of(const MoeConfig& config, Activation activation, bool cast) {
  const auto layer = make_moe_layer(config, 0, 16, 48, activation, 1, Initializer(1));
  spread_parameters(layer->gate(), 1);
  round_to_bf16(*layer, cast);
  const TestBatch batch(2, 16, 16, at::kFloat);
  const auto rounded = batch.x.to(at::kBFloat16);
  const auto x = (cast ? rounded : rounded.to(at::kFloat)).requires_grad_(true);
  const auto out = layer->forward(x, batch.context);
  auto total = (out.y.to(at::kFloat) * Initializer(9).normal("dy", x.sizes(), 1)).sum();
  for (const auto& aux : out.aux) {
    EXPECT_EQ(aux.value.scalar_type(), at::kFloat) << aux.name;
    total = total + aux.value * aux.coefficient;
  }
  total.backward();
  Pass pass{out.y, {{"x", x.grad()}}};
  for (const auto& item : layer->named_parameters()) {
    if (item.value().numel() > 0) pass.gradients[item.key()] = item.value().grad();
  }
  return pass;
}

TEST(Bf16, EveryGateAndDispatcherFollowsFloat32) {
  for (const std::string gate : {"{kind: top_k, k: 2, z_loss: 0.1}", "{kind: switch, jitter: 0.1}",
                                 "{kind: dselect_k, k: 2, gamma: 4}", "softmax", "round_robin",
                                 "{kind: dselect_k_static, k: 2, gamma: 4}"}) {
    for (const std::string dispatch : {"dense", "sparse", "auto"}) {
      SCOPED_TRACE(gate + ", " + dispatch);
      MoeConfig config;
      config.experts = 4;
      config.d_hidden = 12;
      config.shared_experts = 1;
      config.dispatch = dispatch;
      config.gate = parse_gate(gate);
      const auto half = pass_of(config, Activation::kSwiglu, true);
      const auto full = pass_of(config, Activation::kSwiglu, false);
      EXPECT_EQ(half.y.scalar_type(), at::kBFloat16);
      EXPECT_LT(relative_error(half.y, full.y), kTolerance);
      for (const auto& [name, gradient] : full.gradients) {
        const auto& mine = half.gradients.at(name);
        const bool of_gate = name.rfind("gate.", 0) == 0;
        EXPECT_EQ(mine.scalar_type(), of_gate ? at::kFloat : at::kBFloat16) << name;
        EXPECT_LT(relative_error(mine, gradient), kTolerance) << name;
      }
    }
  }
}

TEST(Bf16, EveryActivationFollowsFloat32) {
  MoeConfig config;
  config.experts = 4;
  config.gate = parse_gate("{kind: top_k, k: 2}");
  for (const auto& word : activation_words()) {
    const auto half = pass_of(config, activation_of(word), true);
    const auto full = pass_of(config, activation_of(word), false);
    EXPECT_LT(relative_error(half.y, full.y), kTolerance) << word;
    for (const auto& [name, gradient] : full.gradients) {
      EXPECT_LT(relative_error(half.gradients.at(name), gradient), kTolerance) << word << ' ' << name;
    }
  }
}

}  // namespace
}  // namespace moe

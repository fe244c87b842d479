// Grouped products, slot order, dispatch rule, and the MoE layer as a FeedForward.
#include <gtest/gtest.h>

#include "layers/mlp.h"
#include "moe/grouped_product.h"
#include "moe/make_moe_layer.h"
#include "moe/slot_order.h"
#include "tests/support/gates.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

TEST(GroupedProduct, EqualsOneProductPerExpertWithEmptyOnes) {
  const std::vector<int64_t> offsets = {0, 3, 3, 4, 9, 9};
  const Initializer init(1, at::kDouble);
  for (const bool transposed : {true, false}) {
    const auto x = init.normal("x", {9, 4}, 1).requires_grad_(true);
    const auto w = init.normal("w", transposed ? at::IntArrayRef{5, 6, 4} : at::IntArrayRef{5, 4, 6}, 1)
                       .requires_grad_(true);
    const auto cotangent = init.normal("dy", {9, 6}, 1);
    // Freed NaN blocks of every size: rows that are never written would show.
    for (int64_t size : {24, 54, 36, 120}) at::full({size}, NAN, at::kDouble);
    const auto y = grouped_product(x, w, offsets, transposed);
    y.backward(cotangent);
    const auto dx = x.grad().clone(), dw = w.grad().clone();
    x.mutable_grad().reset();
    w.mutable_grad().reset();
    std::vector<Tensor> parts;
    for (int64_t e = 0; e < 5; ++e) {
      const auto we = transposed ? w[e].t() : w[e];
      parts.push_back(x.narrow(0, offsets[e], offsets[e + 1] - offsets[e]).mm(we));
    }
    const auto expected = at::cat(parts);
    expected.backward(cotangent);
    EXPECT_TRUE(near(y, expected, 1e-12));
    EXPECT_TRUE(near(dx, x.grad(), 1e-12));
    EXPECT_TRUE(near(dw, w.grad(), 1e-12));
    EXPECT_EQ(dw[1].abs().max().item<double>(), 0);
    EXPECT_EQ(dw[4].abs().max().item<double>(), 0);
  }
}

TEST(GroupedProduct, RefusesOffsetsThatDoNotFit) {
  EXPECT_THROW(grouped_product(at::ones({3, 4}), at::ones({2, 4, 5}), {0, 1, 2}, false), c10::Error);
  EXPECT_THROW(grouped_product(at::ones({3, 4}), at::ones({2, 4, 5}), {0, 3}, false), c10::Error);
}

TEST(SlotOrder, SortsByExpertThenTokenThenChoice) {
  Routing routing;
  routing.expert = longs({2, 0, 0, kEmpty, 2, 1}).view({3, 2});
  routing.weight = at::tensor({1.f, 1.f, 0.f, 0.f, 1.f, 1.f}).view({3, 2});
  const auto order = slot_order(routing, {1, 1, 2});
  EXPECT_EQ(order.offsets, (std::vector<int64_t>{0, 1, 2, 4}));
  EXPECT_TRUE(near(order.slot_of_row, longs({1, 5, 0, 4}), 0));
  EXPECT_TRUE(near(order.row_of_slot, longs({2, 0, 4, 4, 3, 1}).view({3, 2}), 0));
}

TEST(AutoDispatch, IsAPureFunctionOfCounts) {
  EXPECT_TRUE(dense_is_cheaper(800, 100, 8));
  EXPECT_FALSE(dense_is_cheaper(200, 100, 8));
  EXPECT_FALSE(dense_is_cheaper(0, 100, 8));
}

MoeConfig config_of(const std::string& gate, int64_t experts, const std::string& dispatch) {
  MoeConfig config;
  config.experts = experts;
  config.dispatch = dispatch;
  config.gate = parse_gate(gate);
  return config;
}

TEST(MoeLayer, OfOneExpertEqualsTheDenseNetwork) {
  const Initializer init(3, at::kDouble);
  for (const std::string dispatch : {"dense", "sparse"}) {
    const auto layer =
        make_moe_layer(config_of("{kind: top_k, k: 1}", 1, dispatch), 0, 8, 12, 0.5, init);
    Mlp mlp(8, 12, 0.5, init);
    {
      at::NoGradGuard no_grad;
      const auto experts = layer->named_parameters();
      mlp.named_parameters()["gate_up"].copy_(experts["experts.gate_up"][0]);
      mlp.named_parameters()["down"].copy_(experts["experts.down"][0].t());
    }
    const TestBatch batch(2, 5, 8, at::kDouble);
    EXPECT_TRUE(near(layer->forward(batch.x, batch.context).y, mlp.forward(batch.x, batch.context).y, 1e-12));
  }
}

TEST(MoeLayer, WaitsForTheDeviceOnceAtMostAndCountsItsRows) {
  const TestBatch batch(2, 8, 8, at::kFloat);
  for (const auto& [dispatch, gate, rows, syncs] :
       {std::tuple{"dense", "{kind: top_k, k: 2}", 64, 0}, {"sparse", "{kind: top_k, k: 2}", 32, 1},
        {"auto", "{kind: top_k, k: 2}", 32, 1}, {"auto", "dselect_k", 64, 1}}) {
    const auto layer = make_moe_layer(config_of(gate, 4, dispatch), 3, 8, 12, 1, Initializer(1));
    const auto out = layer->forward(batch.x, batch.context);
    const auto& report = dynamic_cast<const MoeReport&>(*out.report);
    EXPECT_EQ(report.layer, 3);
    EXPECT_EQ(report.rows_executed, rows) << dispatch << " " << gate;
    EXPECT_EQ(report.host_syncs, syncs) << dispatch << " " << gate;
  }
}

TEST(MoeLayer, RepeatsBitForBit) {
  const TestBatch batch(2, 32, 16, at::kFloat);
  std::vector<Tensor> first;
  for (int repeat = 0; repeat < 3; ++repeat) {
    const auto layer = make_moe_layer(config_of("switch", 8, "auto"), 0, 16, 24, 1, Initializer(1));
    const auto x = batch.x.clone().requires_grad_(true);
    layer->forward(x, batch.context).y.square().sum().backward();
    std::vector<Tensor> now = {x.grad()};
    for (const auto& parameter : layer->parameters()) now.push_back(parameter.grad());
    if (repeat == 0) first = now;
    for (size_t i = 0; i < now.size(); ++i) EXPECT_TRUE(bitwise_equal(now[i], first[i]));
  }
}

TEST(MoeLayer, SwappingTheGateLeavesTheExpertsFirstValues) {
  const auto of = [](const std::string& gate) {
    return make_moe_layer(config_of(gate, 4, "auto"), 0, 8, 12, 1, Initializer(1))
        ->named_parameters()["experts.gate_up"];
  };
  EXPECT_TRUE(bitwise_equal(of("{kind: top_k, k: 2}"), of("{kind: dselect_k, k: 2}")));
}

}  // namespace
}  // namespace moe

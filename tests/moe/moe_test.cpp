// Grouped products, slot order, dispatch rule, and the MoE layer as a FeedForward.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

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
  const auto order = slot_order(routing, {{1, 1, 2}, {2, 2}});
  EXPECT_EQ(order.offsets, (std::vector<int64_t>{0, 1, 2, 4}));
  EXPECT_TRUE(near(order.slot_of_row, longs({1, 5, 0, 4}), 0));
  EXPECT_TRUE(near(order.token_of_row, longs({0, 2, 0, 2}), 0));
  // Tokens 0 and 2 have two live slots, token 1 has none: it comes last and in no sum.
  EXPECT_TRUE(near(order.row_of_place, longs({2, 3, 0, 1}), 0));
  EXPECT_TRUE(near(order.place_of_token, longs({0, 2, 1}), 0));
  EXPECT_EQ(order.tokens_with, (std::vector<int64_t>{2, 2}));
}

TEST(SlotOrder, PaddedRowsHaveFewSizes) {
  EXPECT_EQ(padded_rows(0), 0);
  std::set<int64_t> sizes;
  for (int64_t count = 1; count <= 4096; ++count) {
    const int64_t rows = padded_rows(count);
    EXPECT_GE(rows, count);
    EXPECT_LT(rows - count, std::max<int64_t>(64, count / 4 + 1));
    sizes.insert(rows);
  }
  EXPECT_EQ(sizes.size(), 8u + 3 * 4);  // 64 to 512 by 64, then four an octave
}

TEST(SlotOrder, PaddingChangesNothing) {
  Routing routing;
  routing.expert = longs({2, 0, 0, kEmpty, 2, 1}).view({3, 2});
  routing.weight = at::tensor({.5, .25, 0., 0., 2., 1.}, at::kDouble).view({3, 2});
  const LiveCounts counts = {{1, 1, 2}, {2, 2}};
  const auto padded = slot_order(routing, counts, /*few_sizes=*/true);
  EXPECT_EQ(padded.offsets, (std::vector<int64_t>{0, 64, 128, 192}));
  std::vector<std::vector<Tensor>> results;
  for (const auto& order : {slot_order(routing, counts), padded}) {
    Experts experts(3, 4, 5, Activation::kSwiglu, 1, Initializer(1, at::kDouble));
    const auto x = (at::arange(12, at::kDouble).view({3, 4}) / 7).requires_grad_();
    const auto weight = routing.weight.clone().requires_grad_();
    const auto y = combine_rows(experts.forward(gather_rows(x, order), order.offsets), weight, order);
    (y * at::arange(12, at::kDouble).view({3, 4})).sum().backward();
    results.push_back({y.detach(), x.grad(), weight.grad()});
    for (const auto& parameter : experts.parameters()) results.back().push_back(parameter.grad());
  }
  for (size_t i = 0; i < results[0].size(); ++i) {
    EXPECT_LT(relative_error(results[1][i], results[0][i]), 1e-14) << i;
  }
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
        make_moe_layer(config_of("{kind: top_k, k: 1}", 1, dispatch), 0, 8, 12,
                                      Activation::kSwiglu, 0.5, init);
    Mlp mlp(8, 12, Activation::kSwiglu, 0.5, init);
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
        {"auto", "{kind: top_k, k: 2}", 32, 1}, {"auto", "dselect_k", 64, 1},
        // BASE's assignment is found by the host: it says so.
        {"auto", "base", 16, 2}, {"dense", "base", 64, 1}}) {
    const auto layer = make_moe_layer(config_of(gate, 4, dispatch), 3, 8, 12,
                                      Activation::kSwiglu, 1, Initializer(1));
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
    const auto layer = make_moe_layer(config_of("switch", 8, "auto"), 0, 16, 24,
                                      Activation::kSwiglu, 1, Initializer(1));
    const auto x = batch.x.clone().requires_grad_(true);
    layer->forward(x, batch.context).y.square().sum().backward();
    std::vector<Tensor> now = {x.grad()};
    for (const auto& parameter : layer->parameters()) now.push_back(parameter.grad());
    if (repeat == 0) first = now;
    for (size_t i = 0; i < now.size(); ++i) EXPECT_TRUE(bitwise_equal(now[i], first[i]));
  }
}

// DeepSeekMoE: beside the routed ones, every token passes through n experts. One network of width n F
// is their sum.
TEST(MoeLayer, AddsSharedExpertsToWhatTheGateChose) {
  const Initializer init(3, at::kDouble);
  const TestBatch batch(2, 5, 8, at::kDouble);
  auto config = config_of("{kind: top_k, k: 1}", 4, "auto");
  const auto routed = make_moe_layer(config, 0, 8, 6, Activation::kSwiglu, 1, init);
  config.shared_experts = 2;
  const auto both = make_moe_layer(config, 0, 8, 18, Activation::kSwiglu, 1, init);
  const auto shared = both->named_parameters();
  ASSERT_EQ(shared["shared.gate_up"].sizes(), (at::IntArrayRef{2 * 2 * 6, 8}));
  auto expected = routed->forward(batch.x, batch.context).y;
  for (int64_t n = 0; n < 2; ++n) {
    Mlp one(8, 6, Activation::kSwiglu, 1, init);
    at::NoGradGuard no_grad;
    const auto part = [&](int64_t half) {
      return shared["shared.gate_up"].narrow(0, half * 12 + n * 6, 6);
    };
    one.named_parameters()["gate_up"].copy_(at::cat({part(0), part(1)}));
    one.named_parameters()["down"].copy_(shared["shared.down"].narrow(1, n * 6, 6));
    expected = expected + one.forward(batch.x, batch.context).y;
  }
  EXPECT_TRUE(near(both->forward(batch.x, batch.context).y, expected, 1e-12));
}

TEST(MoeLayer, SwappingTheGateLeavesTheExpertsFirstValues) {
  const auto of = [](const std::string& gate) {
    return make_moe_layer(config_of(gate, 4, "auto"), 0, 8, 12, Activation::kSwiglu, 1, Initializer(1))
        ->named_parameters()["experts.gate_up"];
  };
  EXPECT_TRUE(bitwise_equal(of("{kind: top_k, k: 2}"), of("{kind: dselect_k, k: 2}")));
}

}  // namespace
}  // namespace moe

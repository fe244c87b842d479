// DSelect-k's fused function against the same as LibTorch operations, and what no tolerance may touch:
// zeros that are flat, selectors that coincide.
#include "gates/expert_selectors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "gates/selector_token.h"
#include "tests/support/gates.h"
#include "tests/support/golden.h"
#include "tests/support/plain_selectors.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

Tensor row(std::vector<double> values) { return at::tensor(values, at::kDouble); }

// Both sides of the smooth step as the weights of two experts under one selector: {off, on} [n, 2].
Tensor step_of(const Tensor& t, double gamma) {
  const int64_t n = t.size(0);
  return select_experts(t.view({n, 1, 1}), at::zeros({n, 1}, t.options().requires_grad(false)), gamma, 2)
      .weight;
}

TEST(SmoothStep, HasThePublishedValues) {
  const auto wide = step_of(row({-.6, -.5, -.25, 0, .1, .25, .4, .5}), 1);
  EXPECT_TRUE(near(wide.select(1, 1),
                   golden_tensor("smoothstep gamma=1 at [-.6,-.5,-.25,0,.1,.25,.4,.5]"), 1e-15));
  EXPECT_TRUE(near(wide.sum(1), at::ones({8}, at::kDouble), 1e-15));
  EXPECT_TRUE(near(step_of(row({-.05, -.01, 0, .02, .05}), .1).select(1, 1),
                   golden_tensor("smoothstep gamma=.1 at [-.05,-.01,0,.02,.05]"), 1e-15));
}

TEST(SmoothStep, HasThePublishedSlopes) {
  const double gammas[] = {1, .1, 10};
  const auto expected = golden_tensor("smoothstep deriv at 0 gamma 1/.1/10");
  for (int64_t i = 0; i < 3; ++i) {
    const auto t = at::zeros({1}, at::kDouble).requires_grad_(true);
    step_of(t, gammas[i]).select(1, 1).sum().backward();
    EXPECT_NEAR(t.grad().item<double>(), expected[i].item<double>(), 1e-14);
  }
  // Off is 1 - on in slope too; beyond the edges both are flat.
  const auto t = row({-.7, -.5, -.2, .3, .5, 4}).requires_grad_(true);
  (step_of(t, 1) * row({1, 2, 3, 4, 5, 6}).unsqueeze(1)).sum().backward();
  EXPECT_TRUE(near(t.grad(), at::zeros({6}, at::kDouble), 1e-14));
}

// Dense around the edges, where 1 - S by subtraction would leave a slope of up to 8e-4.
TEST(SmoothStep, ZeroIsFlatForMillionsOfDraws) {
  const auto draw = Initializer(1, at::kFloat).uniform("t", {1000000}, 2e-4);
  int64_t zeros = 0;
  for (const float edge : {-0.5f, 0.5f}) {
    for (int64_t i = 0; i < draw.numel(); ++i) {
      const auto bit = smooth_bit(draw.data_ptr<float>()[i] + edge, 1.0f);
      if (bit.on == 0 || bit.off == 0) {
        ++zeros;
        ASSERT_EQ(bit.slope, 0) << draw.data_ptr<float>()[i] + edge;
      }
    }
  }
  EXPECT_GT(zeros, 200000);
}

TEST(ExpertSelectors, SpellExpertsFromTheMostSignificantBit) {
  // Six decided selectors of three bits: each chooses the expert whose number its bits are.
  std::vector<double> bits;
  for (const int64_t e : {5, 2, 4, 0, 3, 1}) {
    for (const int64_t digit : {4, 2, 1}) bits.push_back(e & digit ? 1 : -1);
  }
  const auto out = select_experts(row(bits).view({6, 1, 3}), row({0, 0, 0, 0, 0, 0}).view({6, 1}), 1, 6);
  const auto expected = longs({5, 2, 4, 0, 3, 1}).unsqueeze(1);
  EXPECT_TRUE(near(out.preferred, expected, 0));
  EXPECT_TRUE(near(out.weight, at::zeros({6, 6}).scatter(1, expected, 1), 0));
  const auto even = select_experts(at::zeros({1, 1, 3}), at::zeros({1, 1}), 1, 8);
  EXPECT_EQ(even.preferred.item<int64_t>(), 0) << "the first of equal ones";
}

struct Shape {
  int64_t n, k, E;
  double spread;  // of the bits' logits at gamma 1: 0.1 leaves all undecided, 2 few
};

// Every output and every gradient, with cotangents on the outputs whose bit in `wanted` is set.
std::vector<Tensor> outputs_and_gradients(decltype(select_experts) select, const Shape& shape,
                                          at::ScalarType dtype, unsigned wanted) {
  const Initializer draw(3, dtype);
  const auto bit =
      draw.normal("bit", {shape.n, shape.k, expert_bits(shape.E)}, shape.spread).requires_grad_(true);
  const auto mix = draw.normal("mix", {shape.n, shape.k}, 1).requires_grad_(true);
  const auto out = select(bit, mix, 1, shape.E);
  std::vector<Tensor> all = {out.weight, out.entropy, out.reciprocal_reach, out.collision};
  auto total = at::zeros({}, bit.options().requires_grad(false));
  for (size_t i = 0; i < all.size(); ++i) {
    if (wanted >> i & 1) {
      total = total + (all[i] * draw.normal("cotangent" + std::to_string(i), all[i].sizes(), 1)).sum();
    }
  }
  if (total.requires_grad()) total.backward();  // one selector collides with none
  for (auto& tensor : all) tensor = tensor.detach();
  all.push_back(out.preferred);
  for (const auto& input : {bit, mix}) {
    all.push_back(input.grad().defined() ? input.grad() : at::zeros_like(input));
  }
  return all;
}

constexpr Shape kShapes[] = {{7, 2, 4, .1},  {64, 2, 8, .5}, {64, 3, 6, .5},  {33, 4, 5, .3},
                             {64, 2, 32, 2}, {16, 3, 33, .4}, {5, 1, 16, .2}, {4, 3, 2, .3},
                             {4, 2, 1, .3},  {1, 5, 20, .3}, {0, 2, 4, .3},  {300, 8, 64, 1}};

TEST(ExpertSelectors, EqualThePlainOperationsForEverySetOfCotangents) {
  const char* names[] = {"weight", "entropy", "reach", "collision", "preferred", "dbit", "dmix"};
  for (const auto& shape : kShapes) {
    for (const unsigned wanted : {1u, 2u, 4u, 8u, 15u}) {
      const auto expected = outputs_and_gradients(plain_select_experts, shape, at::kDouble, wanted);
      for (const auto dtype : {at::kDouble, at::kFloat}) {
        const auto found = outputs_and_gradients(select_experts, shape, dtype, wanted);
        // Float32's own draws are those of float64, rounded.
        const double tolerance = dtype == at::kDouble ? 1e-11 : 2e-4;
        for (size_t i = 0; i < expected.size(); ++i) {
          if (dtype == at::kFloat && i == 4) continue;  // ties
          const double size = expected[i].numel() == 0
                                  ? 1 : 1 + expected[i].abs().max().item<double>();
          EXPECT_TRUE(near(found[i], expected[i], tolerance * size))
              << names[i] << " of n " << shape.n << " k " << shape.k << " E " << shape.E
              << " cotangents " << wanted << ' ' << dtype;
        }
      }
    }
  }
}

TEST(ExpertSelectors, RepeatBitForBitWhateverTheThreadsDo) {
  const Shape shape{3000, 2, 8, .5};  // several ranges of threads
  const auto all = outputs_and_gradients(select_experts, shape, at::kFloat, 15);
  const Initializer draw(3);
  const auto bit = draw.normal("bit", {3000, 2, 3}, .5), mix = draw.normal("mix", {3000, 2}, 1);
  for (const int64_t t : {0, 1234, 2999}) {
    const auto one = select_experts(bit.narrow(0, t, 1), mix.narrow(0, t, 1), 1, 8);
    EXPECT_TRUE(bitwise_equal(one.weight[0], all[0][t]));
    EXPECT_TRUE(bitwise_equal(one.entropy[0], all[1][t]));
  }
}

// As a GPU's threads have it: the values of one token lie far apart.
struct Strided {
  double* first;
  int64_t step;
  double& operator[](int64_t i) const { return first[i * step]; }
  Strided operator+(int64_t i) const { return {first + i * step, step}; }
};

TEST(ExpertSelectors, NeedNoMoreScratchThanTheyAskForAndLayItOutAnyWay) {
  for (const auto& shape : kShapes) {
    const Initializer draw(3, at::kDouble);
    const int64_t m = expert_bits(shape.E), step = 3;
    const auto bit = draw.normal("bit", {shape.n, shape.k, m}, shape.spread);
    const auto mix = draw.normal("mix", {shape.n, shape.k}, 1);
    const SelectorInputs<double> in{bit.data_ptr<double>(), mix.data_ptr<double>(), shape.n, shape.k, m,
                                    shape.E, 1};
    const auto expected = select_experts(bit, mix, 1, shape.E);
    const auto weight = at::empty_like(expected.weight), each = at::empty({3, shape.n}, at::kDouble);
    const auto preferred = at::empty({shape.n, shape.k}, at::kLong);
    const auto dbit = at::empty({2, bit.numel()}, at::kDouble);
    const auto dmix = at::empty({2, mix.numel()}, at::kDouble);
    double* values = each.data_ptr<double>();
    const auto gradients = [&](int64_t i) {
      return SelectorGradients<double>{weight.data_ptr<double>(), values, values, values,
                                       dbit[i].data_ptr<double>(), dmix[i].data_ptr<double>()};
    };
    // Not zeros: what stood there before is of no account.
    const int64_t size = selector_scratch(shape.k, m, shape.E);
    std::vector<double> scratch(static_cast<size_t>(size * step), 7);
    const Strided mine{scratch.data() + 1, step};
    for (int64_t t = 0; t < shape.n; ++t) {
      select_forward(in, SelectorOutputs<double>{weight.data_ptr<double>(), values, values + shape.n,
                                                 values + 2 * shape.n, preferred.data_ptr<int64_t>()},
                     t, mine);
      select_backward(in, gradients(0), t, mine);
    }
    select_backward_cpu(in, gradients(1), 0, shape.n);
    EXPECT_TRUE(bitwise_equal(dbit[0], dbit[1]));
    EXPECT_TRUE(bitwise_equal(dmix[0], dmix[1]));
    EXPECT_TRUE(bitwise_equal(weight, expected.weight));
    for (size_t i = 0; i < scratch.size(); ++i) {
      const bool mine_to_write = i % 3 == 1;
      ASSERT_TRUE(mine_to_write || scratch[i] == 7) << "another thread's value, at " << i;
    }
  }
}

TEST(ExpertSelectors, CoincidentOnesGiveTheMixtureExactlyNoGradient) {
  const Initializer draw(1);
  const auto mix = draw.normal("mix", {64, 3}, 1).requires_grad_(true);
  const auto bit = draw.normal("bit", {64, 1, 3}, .3).expand({64, 3, 3});
  select_experts(bit, mix, 1, 8).weight.backward(draw.normal("dw", {64, 8}, 1));
  EXPECT_EQ(mix.grad().abs().max().item<double>(), 0);
}

TEST(ExpertSelectors, CollisionCountsPairsThatAgree) {
  // Selectors 0 and 2 on expert 3, selector 1 on expert 0; then all three on expert 3.
  const auto bit = row({1, 1, -1, -1, 1, 1, 1, 1, 1, 1, 1, 1}).view({2, 3, 2});
  EXPECT_TRUE(near(select_experts(bit, at::zeros({2, 3}, at::kDouble), 1, 4).collision, row({1, 3}), 0));
}

// Products of many small factors underflow to 0 with a slope left; the mask makes those flat too.
TEST(ExpertSelectors, WeightsThatUnderflowAreFlushedAndFlat) {
  const Initializer draw(1);
  const auto bit = (draw.uniform("bit", {256, 2, 10}, .0003) - .4998).detach().requires_grad_(true);
  const auto mix = draw.normal("mix", {256, 2}, 1).requires_grad_(true);
  const auto weight = select_experts(bit, mix, 1, 1024).weight;
  const auto zero = weight == 0;
  const auto tiny = weight.abs().masked_fill(zero, 1).min().item<double>();
  EXPECT_GE(tiny, 1e-30);
  EXPECT_GT(zero.sum().item<int64_t>(), 1000);
  weight.backward(at::where(zero, at::full({}, 1e30f), at::zeros({})));
  EXPECT_EQ(bit.grad().abs().max().item<double>(), 0);
  EXPECT_EQ(mix.grad().abs().max().item<double>(), 0);
}

TEST(ExpertSelectors, LogitsThatAreNotANumberDoNotPassForAnEmptyToken) {
  const auto bit = at::full({1, 2, 2}, std::numeric_limits<float>::quiet_NaN());
  EXPECT_TRUE(select_experts(bit, at::zeros({1, 2}), 1, 4).weight.isnan().all().item<bool>());
}

TEST(ExpertSelectors, RefuseShapesAndDtypesThatDoNotFit) {
  const auto bit = at::zeros({3, 2, 2}), mix = at::zeros({3, 2});
  EXPECT_NO_THROW(select_experts(bit, mix, 1, 4));
  EXPECT_THROW(select_experts(bit, mix, 1, 5), c10::Error);
  EXPECT_THROW(select_experts(bit, at::zeros({3, 1}), 1, 4), c10::Error);
  EXPECT_THROW(select_experts(bit, mix.to(at::kDouble), 1, 4), c10::Error);
}

}  // namespace
}  // namespace moe

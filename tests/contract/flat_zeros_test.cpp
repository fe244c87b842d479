// Flat zeros (promise 3 of Routing): a cotangent that lives on slots of weight exactly 0 gives exactly
// 0 for x and every gate parameter, as autograd computes it. Three mutants show that the test bites.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "gates/dselect_k_gate.h"
#include "layers/shapes.h"
#include "tests/contract/gate_cases.h"
#include "tests/support/gates.h"
#include "tests/support/plain_selectors.h"

namespace moe {
namespace {

// The largest |gradient| that reaches x or a gate parameter from zero slots; and how many of those
// there are, so that a test cannot pass for want of zeros. NaN counts as infinite.
struct Leak {
  double gradient = 0;
  int64_t zeros = 0;
};

Leak leak(Gate& gate, const TestBatch& batch, uint64_t seed) {
  const auto x = batch.x.detach().clone().requires_grad_(true);
  const auto routing = gate.forward({x, batch.context, batch.context.noise, batch.ranks});
  const auto zero = (routing.weight == 0).detach();
  // Magnitudes from 1e-3 to 1e30.
  const Initializer draw(seed, routing.weight.scalar_type());
  const auto size = at::pow(10.0, draw.uniform("size", zero.sizes(), 16.5) + 13.5);
  const auto cotangent = at::where(zero, draw.normal("sign", zero.sizes(), 1).sign() * size,
                                   at::zeros({}, size.options()));
  Leak result;
  result.zeros = zero.sum().item<int64_t>();
  if (!routing.weight.requires_grad()) {
    return result;
  }
  std::vector<Tensor> inputs = {x};
  for (const auto& parameter : gate.parameters()) {
    if (parameter.numel() > 0) inputs.push_back(parameter);
  }
  for (const auto& gradient :
       torch::autograd::grad({routing.weight}, inputs, {cotangent}, {}, false, true)) {
    if (gradient.defined()) {
      const double most = gradient.abs().max().item<double>();
      result.gradient =
          std::max(result.gradient, std::isnan(most) ? std::numeric_limits<double>::infinity() : most);
    }
  }
  return result;
}

TEST(FlatZeros, HoldForEveryGate) {
  for (const auto& test : gate_cases()) {
    for (const auto dtype : {at::kFloat, at::kDouble}) {
      for (uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(test.name + ", seed " + std::to_string(seed));
        const auto choice = parse_gate(with_slots(test.yaml, 2));
        const auto gate = make_gate(choice, {8, 4, kTestVocabulary}, Initializer(seed, dtype));
        spread_parameters(*gate, test.spread, seed);
        const TestBatch batch(4, 64, 8, dtype, seed);
        const auto found = leak(*gate, batch, seed);
        EXPECT_EQ(found.gradient, 0);
        if (test.name == "dselect_k_mixed" || test.name == "dselect_k_sparse" ||
            test.name == "dselect_k_static_sparse") {
          EXPECT_GT(found.zeros, 0);
        }
      }
    }
  }
}

// Puts bits exactly at, just inside and beyond +-gamma/2, where rounding could leave a slope.
void plant_edges(torch::nn::Module& gate, double gamma, size_t first = 1) {
  at::NoGradGuard no_grad;
  const float edge = static_cast<float>(gamma / 2);
  std::vector<float> planted;
  for (const float sign : {1.0f, -1.0f}) {
    planted.push_back(sign * edge);
    planted.push_back(sign * std::nextafter(edge, 0.0f));
    planted.push_back(sign * std::nextafter(edge, 10.0f));
    planted.push_back(sign * edge * (1 - 1e-5f));
    planted.push_back(sign * edge * (1 - 3e-5f));
    planted.push_back(sign * edge * (1 - 1e-4f));
    planted.push_back(sign * 2 * edge);
    planted.push_back(sign * edge * 0.3f);
  }
  for (const auto& item : gate.named_parameters()) {
    if (item.key() == "bit_weight") item.value().zero_();
    if (item.key() == "bit_bias") {
      for (int64_t i = 0; i < item.value().numel(); ++i) {
        item.value()[i] = planted[(static_cast<size_t>(i) * 5 + first) % planted.size()];
      }
    }
  }
}

// A DSelect-k whose complement is 1 - S: rounds to 0 while S still slopes.
class SubtractedComplement : public Gate {
 public:
  SubtractedComplement(int64_t D, int64_t E, const Initializer& init) : codes_(expert_codes(E)) {
    const int64_t m = expert_bits(E);
    weight_ = register_parameter("bit_weight", init.normal("w", {m, D}, 1));
    bias_ = register_parameter("bit_bias", init.normal("b", {m}, 1));
  }
  Routing forward(const GateInput& input) override {
    const auto t = at::linear(input.x, weight_, bias_).clamp(-0.5, 0.5);  // [T, m]
    const auto on = -2 * t.pow(3) + 1.5 * t + 0.5;
    return Routing::dense(selectors({on.unsqueeze(1), 1 - on.unsqueeze(1)}, codes_).sum(1));
  }

 private:
  Tensor codes_, weight_, bias_;
};

// ReLU routing with clamp_min, whose slope at 0 is 1.
class ClampedGate : public Gate {
 public:
  ClampedGate(int64_t D, int64_t E, const Initializer& init) {
    weight_ = register_parameter("weight", init.normal("w", {E, D}, 1));
  }
  Routing forward(const GateInput& input) override {
    return Routing::dense(at::linear(input.x, weight_).clamp_min(0));
  }

 private:
  Tensor weight_;
};

// Hard weights forward, soft gradients backward.
class StraightThrough : public Gate {
 public:
  StraightThrough(int64_t D, int64_t E, const Initializer& init) {
    weight_ = register_parameter("weight", init.normal("w", {E, D}, 1));
  }
  Routing forward(const GateInput& input) override {
    const auto soft = at::linear(input.x, weight_).softmax(1);
    const auto hard = at::one_hot(soft.argmax(1), soft.size(1)).to(soft.scalar_type());
    return Routing::dense(soft - soft.detach() + hard);
  }

 private:
  Tensor weight_;
};

TEST(FlatZeros, HoldWithBitsPlantedAroundTheEdge) {
  for (const int64_t E : {4, 6, 16}) {
    int64_t zeros = 0;
    for (size_t first = 0; first < 16; ++first) {
      const auto gate =
          make_gate(parse_gate("{kind: dselect_k, k: 2, gamma: 1}"), {8, E}, Initializer(1));
      plant_edges(*gate, 1, first);
      const auto found = leak(*gate, TestBatch(2, 32, 8, at::kFloat), first + 1);
      EXPECT_EQ(found.gradient, 0) << "first planted value " << first;
      zeros += found.zeros;
    }
    EXPECT_GT(zeros, 0);
  }
}

TEST(FlatZeros, FailForAComplementBySubtraction) {
  SubtractedComplement gate(8, 4, Initializer(1));
  plant_edges(gate, 1);
  EXPECT_GT(leak(gate, TestBatch(2, 32, 8, at::kFloat), 1).gradient, 0);
}

TEST(FlatZeros, FailForClampMinAtZeroAndHoldForRelu) {
  TestBatch batch(2, 32, 8, at::kFloat);
  batch.x.narrow(0, 0, 8).zero_();          // logits exactly 0
  batch.x.narrow(0, 8, 8).fill_(-0.0f);     // and from -0.0
  ClampedGate wrong(8, 4, Initializer(1));
  const auto right = make_gate(parse_gate("{kind: relu, k: 2}"), {8, 4}, Initializer(1));
  EXPECT_EQ(leak(*right, batch, 1).gradient, 0);
  EXPECT_GE(leak(*right, batch, 1).zeros, 16 * 4);
  EXPECT_GT(leak(wrong, batch, 1).gradient, 0);
}

TEST(FlatZeros, FailForStraightThrough) {
  StraightThrough gate(8, 4, Initializer(1));
  EXPECT_GT(leak(gate, TestBatch(2, 32, 8, at::kFloat), 1).gradient, 0);
}

}  // namespace
}  // namespace moe

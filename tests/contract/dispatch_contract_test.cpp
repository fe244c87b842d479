// Every gate x every dispatcher against the plain loop: y[t] = sum_k weight[t,k] f[expert[t,k]](x[t]),
// and identity_weight[t] x[t] where a gate has one; outputs and all gradients in float64.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "moe/moe_layer.h"
#include "tests/contract/gate_cases.h"
#include "tests/support/gates.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

constexpr double kTolerance = 1e-10;

struct Shape {
  const char* name;
  int64_t B, S, D, F, E, k;
};
constexpr Shape kShapes[] = {
    {"plain", 2, 9, 8, 6, 4, 2},   {"six experts", 2, 7, 8, 5, 6, 3},
    {"three experts", 1, 11, 6, 4, 3, 2}, {"one token", 1, 1, 8, 6, 4, 2},
    {"one expert", 1, 5, 8, 6, 1, 1},     {"more experts than slots", 1, 3, 8, 4, 16, 2},
};

// The formula of every activation, written out: [F or 2F] -> [F].
Tensor formula(const Tensor& h, const std::string& word) {
  const auto gelu = [](const Tensor& t) { return 0.5 * t * (1 + (t / std::sqrt(2.0)).erf()); };
  const auto relu = [](const Tensor& t) { return t * (t > 0); };
  if (word == "gelu") return gelu(h);
  if (word == "relu") return relu(h);
  const int64_t F = h.size(0) / 2;
  const auto gate = h.narrow(0, 0, F), up = h.narrow(0, F, F);
  return up * (word == "geglu" ? gelu(gate) : word == "reglu" ? relu(gate) : gate * gate.sigmoid());
}

// One token, one slot at a time, over the same parameters.
Tensor plain_loop(const Tensor& x, const Routing& routing, Experts& experts,
                  const std::string& activation = "swiglu") {
  const auto parameters = experts.named_parameters();
  const auto input = parameters[parameters.contains("up") ? "up" : "gate_up"];
  const auto down = parameters["down"];
  std::vector<Tensor> y;
  for (int64_t t = 0; t < x.size(0); ++t) {
    auto sum = at::zeros({x.size(1)}, x.options().requires_grad(false));
    for (int64_t k = 0; k < routing.expert.size(1); ++k) {
      const int64_t e = routing.expert[t][k].item<int64_t>();
      if (e == kEmpty) continue;
      const auto hidden = formula(at::mv(input[e], x[t]), activation);
      sum = sum + routing.weight[t][k] * at::mv(down[e].t(), hidden);
    }
    if (routing.identity_weight.defined()) {
      sum = sum + routing.identity_weight[t] * x[t];
    }
    y.push_back(sum);
  }
  return at::stack(y);
}

struct Result {
  Tensor y;
  std::map<std::string, Tensor> gradients;
};

// Output and all gradients of <cotangent, y> + aux.
template <class Dispatch>
Result run(Gate& gate, Experts& experts, const TestBatch& batch, Dispatch dispatch) {
  const auto x = batch.x.detach().clone().requires_grad_(true);
  const auto routing = gate.forward({x, batch.context, batch.context.noise, batch.ranks});
  Result result;
  result.y = dispatch(x, routing);
  auto total = (result.y * Initializer(9, x.scalar_type()).normal("dy", x.sizes(), 1)).sum();
  for (const auto& aux : routing.aux) {
    total = total + aux.value * aux.coefficient;
  }
  total.backward();
  result.gradients["x"] = x.grad();
  for (auto* module : std::initializer_list<torch::nn::Module*>{&gate, &experts}) {
    for (const auto& item : module->named_parameters()) {
      auto& parameter = item.value();
      result.gradients[item.key()] =
          parameter.grad().defined() ? parameter.grad().clone() : at::zeros_like(parameter);
      parameter.mutable_grad().reset();
    }
  }
  return result;
}

double worst_difference(const Result& a, const Result& b) {
  double worst = (a.y - b.y).abs().max().item<double>();
  for (const auto& [name, gradient] : a.gradients) {
    if (gradient.numel() > 0) {
      worst = std::max(worst, (gradient - b.gradients.at(name)).abs().max().item<double>());
    }
  }
  return worst;
}

TEST(DispatchContract, EveryGateAndDispatcherEqualsThePlainLoop) {
  for (const auto& shape : kShapes) {
    for (const auto& test : gate_cases()) {
      const Initializer init(2, at::kDouble);
      const TestBatch batch(shape.B, shape.S, shape.D, at::kDouble);
      const int64_t E = test.experts(shape.E);
      const auto gate = make_gate(parse_gate(with_slots(test.yaml, shape.k)),
                                  {shape.D, E, kTestVocabulary}, init.in("gate"));
      spread_parameters(*gate, test.spread);
      const auto experts = std::make_shared<Experts>(E, shape.D, shape.F, Activation::kSwiglu, 1,
                                                     init.in("experts"));
      const auto expected = run(*gate, *experts, batch, [&](const Tensor& x, const Routing& routing) {
        return plain_loop(x, routing, *experts);
      });
      for (const std::string word : {"dense", "sparse", "auto"}) {
        SCOPED_TRACE(test.name + ", " + shape.name + ", " + word);
        MoeLayer layer(0, gate, experts, nullptr, make_dispatcher(word));
        const auto found = run(*gate, *experts, batch, [&](const Tensor& x, const Routing&) {
          return layer.forward(x, batch.context).y;  // by the same routing: gates are pure
        });
        EXPECT_TRUE(near(found.y, expected.y, kTolerance));
        for (const auto& [name, gradient] : expected.gradients) {
          EXPECT_TRUE(near(found.gradients.at(name), gradient, kTolerance)) << name;
        }
      }
    }
  }
}

TEST(DispatchContract, EveryActivationEqualsItsFormula) {
  const Initializer init(2, at::kDouble);
  const TestBatch batch(2, 9, 8, at::kDouble);
  const auto gate = make_gate(parse_gate("{kind: top_k, k: 2}"), {8, 4}, init.in("gate"));
  spread_parameters(*gate, 1);
  for (const auto& word : activation_words()) {
    const auto activation = activation_of(word);
    Experts experts(4, 8, 6, activation, 1, init.in("experts"));
    EXPECT_EQ(experts.named_parameters()[input_name(activation)].size(1), is_gated(activation) ? 12 : 6);
    const auto expected_of = [&](const std::string& formula_of) {
      return run(*gate, experts, batch, [&](const Tensor& x, const Routing& routing) {
        return plain_loop(x, routing, experts, formula_of);
      });
    };
    const auto expected = expected_of(word);
    for (const std::string dispatch : {"dense", "sparse"}) {
      const auto found = run(*gate, experts, batch, [&](const Tensor& x, const Routing& routing) {
        return make_dispatcher(dispatch)->run(x, routing, experts).y;
      });
      EXPECT_LE(worst_difference(found, expected), kTolerance) << word << ", " << dispatch;
      for (const auto& other : activation_words()) {  // and no other formula fits
        if (other != word && is_gated(activation_of(other)) == is_gated(activation)) {
          EXPECT_GT(worst_difference(found, expected_of(other)), 1e-3) << word << " as " << other;
        }
      }
    }
  }
}

// A dispatcher with a wrong step: each must be told from the plain loop.
TEST(DispatchContract, WrongDispatchersFail) {
  const Initializer init(2, at::kDouble);
  const TestBatch batch(2, 9, 8, at::kDouble);
  const auto gate = make_gate(parse_gate("{kind: top_k, k: 2}"), {8, 4}, init.in("gate"));
  spread_parameters(*gate, 1);
  Experts experts(4, 8, 6, Activation::kSwiglu, 1, init.in("experts"));
  const auto expected = run(*gate, experts, batch, [&](const Tensor& x, const Routing& routing) {
    return plain_loop(x, routing, experts);
  });
  const auto sparse_of = [&](auto change) {
    return run(*gate, experts, batch, [&](const Tensor& x, const Routing& routing) {
      auto changed = routing;
      change(changed);
      return SparseDispatcher().run(x, changed, experts).y;
    });
  };
  EXPECT_LE(worst_difference(sparse_of([](Routing&) {}), expected), kTolerance);
  EXPECT_GT(worst_difference(sparse_of([](Routing& r) { r.expert = r.expert.flip(1); }), expected),
            1e-3);
  EXPECT_GT(worst_difference(sparse_of([](Routing& r) { r.weight = r.weight.detach(); }), expected),
            1e-3);
  EXPECT_GT(worst_difference(sparse_of([](Routing& r) { r.weight = r.weight * (r.weight < 0.9); }),
                             expected),
            1e-3);
}

// A dispatcher alone leaves out the share of x itself, which is the layer's part.
TEST(DispatchContract, WithoutTheIdentityShareItFails) {
  const Initializer init(2, at::kDouble);
  const TestBatch batch(2, 9, 8, at::kDouble);
  const auto gate = make_gate(parse_gate("base"), {8, 4}, init.in("gate"));
  spread_parameters(*gate, 1);
  Experts experts(4, 8, 6, Activation::kSwiglu, 1, init.in("experts"));
  const auto expected = run(*gate, experts, batch, [&](const Tensor& x, const Routing& routing) {
    return plain_loop(x, routing, experts);
  });
  const auto found_of = [&](auto identity_weight) {
    return run(*gate, experts, batch, [&](const Tensor& x, const Routing& routing) {
      const auto y = SparseDispatcher().run(x, routing, experts).y;
      return y + identity_weight(routing).unsqueeze(1) * x;
    });
  };
  const auto share = [](const Routing& routing) { return routing.identity_weight; };
  EXPECT_LE(worst_difference(found_of(share), expected), kTolerance);
  const auto constant = [&](const Routing& routing) { return share(routing).detach(); };
  EXPECT_GT(worst_difference(found_of(constant), expected), 1e-3);
  const auto none = [&](const Routing& routing) { return share(routing) * 0; };
  EXPECT_GT(worst_difference(found_of(none), expected), 1e-3);
}

TEST(DispatchContract, PaddingIsLeftOutEverywhere) {
  for (const auto& test : gate_cases()) {
    SCOPED_TRACE(test.name);
    TestBatch batch(2, 6, 8, at::kDouble);
    batch.context.valid = at::ones({2, 6}, at::kBool);
    batch.context.valid[0][5] = false;
    batch.context.valid[1].narrow(0, 2, 4).fill_(false);
    const auto gate =
        make_gate(parse_gate(with_slots(test.yaml, 2)), {8, 4, kTestVocabulary},
                  Initializer(2, at::kDouble));
    spread_parameters(*gate, test.spread);
    const auto routing = gate->forward(batch.input());
    const auto padding = batch.context.valid.reshape({-1}).logical_not();
    EXPECT_EQ(routing.live().any(1).logical_and(padding).sum().item<int64_t>(), 0);
    EXPECT_EQ(routing.stats.tokens.item<double>(), 7);
    EXPECT_LE(routing.stats.empty_tokens.item<double>(), 7);
    const auto& identity = routing.identity_weight;
    if (identity.defined()) {
      EXPECT_EQ(identity.masked_select(padding).abs().max().item<double>(), 0);
    }
    // Other values at padded places change neither routing nor losses of the rest.
    auto other = batch;
    other.x = at::where(padding.unsqueeze(1), at::full({}, 3.0, at::kDouble), batch.x);
    const auto again = gate->forward(other.input());
    EXPECT_TRUE(bitwise_equal(routing.weight, again.weight));
    EXPECT_TRUE(bitwise_equal(routing.expert, again.expert));
    if (identity.defined()) {
      EXPECT_TRUE(bitwise_equal(identity, again.identity_weight));
    }
    for (size_t i = 0; i < routing.aux.size(); ++i) {
      EXPECT_TRUE(near(again.aux[i].value, routing.aux[i].value, 1e-12)) << routing.aux[i].name;
    }
  }
}

}  // namespace
}  // namespace moe

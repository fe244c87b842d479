// AdamW against its formula, written out in plain loops over double.
#include "train/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>

namespace moe {
namespace {

Tensor parameter(std::vector<double> values, at::IntArrayRef shape) {
  return at::tensor(values, at::kDouble).view(shape).clone().set_requires_grad(true);
}
std::vector<double> values_of(const Tensor& tensor) {
  const auto flat = tensor.detach().to(at::kDouble).flatten().contiguous();
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}
void give_gradient(const Tensor& parameter, const std::vector<double>& values) {
  parameter.mutable_grad() =
      at::tensor(values, parameter.options().requires_grad(false)).view(parameter.sizes());
}

// Algorithm 2 of arXiv 1711.05101, one number at a time.
struct Formula {
  OptimizerConfig config;
  double decay = 0, value = 0, m = 0, v = 0;
  int64_t t = 0;
  void step(double gradient, double lr) {
    ++t;
    m = config.beta1 * m + (1 - config.beta1) * gradient;
    v = config.beta2 * v + (1 - config.beta2) * gradient * gradient;
    const double m_hat = m / (1 - std::pow(config.beta1, t));
    const double v_hat = v / (1 - std::pow(config.beta2, t));
    value -= lr * decay * value;
    value -= lr * m_hat / (std::sqrt(v_hat) + config.eps);
  }
};

TEST(AdamW, FollowsTheFormulaAndDecaysMatricesOnly) {
  OptimizerConfig config;
  config.clip = 0;
  config.eps = 1e-3;  // large enough to show where it is added
  const std::vector<double> first = {0.5, -1.25, 2, 0.001};
  const auto matrix = parameter(first, {2, 2});
  const auto vector = parameter(first, {4});
  AdamW adam(config, {{"matrix", matrix}, {"vector", vector}});
  std::vector<Formula> of_matrix, of_vector;
  for (const double value : first) {
    of_matrix.push_back({config, config.weight_decay, value});
    of_vector.push_back({config, 0, value});
  }
  for (int step = 1; step <= 7; ++step) {
    const double lr = 0.01 * step;
    std::vector<double> gradient;
    for (int i = 0; i < 4; ++i) gradient.push_back(std::sin(step * 1.7 + i) * std::pow(10, i - 2));
    give_gradient(matrix, gradient);
    give_gradient(vector, gradient);
    adam.step(lr, adam.gradient_norm());
    for (size_t i = 0; i < 4; ++i) {
      of_matrix[i].step(gradient[i], lr);
      of_vector[i].step(gradient[i], lr);
      EXPECT_NEAR(values_of(matrix)[i], of_matrix[i].value, 1e-12) << step << " " << i;
      EXPECT_NEAR(values_of(vector)[i], of_vector[i].value, 1e-12) << step << " " << i;
    }
  }
  EXPECT_EQ(adam.steps(), 7);
  EXPECT_GT(std::abs(of_matrix[2].value - of_vector[2].value), 1e-3);  // decay is visible here
}

TEST(AdamW, ReturnsTheNormOfAllGradientsBeforeClipping) {
  OptimizerConfig config;
  config.clip = 1;
  const auto a = parameter({0, 0}, {1, 2}), b = parameter({0}, {1});
  AdamW adam(config, {{"a", a}, {"b", b}});
  give_gradient(a, {2, 3});
  give_gradient(b, {6});
  const auto norm = adam.gradient_norm();
  EXPECT_NEAR(norm.item<double>(), 7, 1e-12);
  adam.step(0.1, norm);
}

TEST(AdamW, ClipsAllGradientsByOneFactor) {
  OptimizerConfig config;
  config.clip = 0.5;
  const auto a = parameter({0, 0}, {1, 2}), b = parameter({0}, {1});
  AdamW adam(config, {{"a", a}, {"b", b}});
  give_gradient(a, {2, 3});
  give_gradient(b, {6});
  adam.step(0.1, adam.gradient_norm());
  const auto state = adam.state();
  const double share = (1 - config.beta1) * 0.5 / 7;
  EXPECT_NEAR(values_of(state[0].values)[0], 2 * share, 1e-7);
  EXPECT_NEAR(values_of(state[0].values)[1], 3 * share, 1e-7);
  EXPECT_NEAR(values_of(state[2].values)[0], 6 * share, 1e-7);
}

TEST(AdamW, LeavesGradientsBelowTheLimitAlone) {
  OptimizerConfig config;
  config.clip = 100;
  const auto a = parameter({0}, {1});
  AdamW adam(config, {{"a", a}});
  give_gradient(a, {3});
  adam.step(0.1, adam.gradient_norm());
  EXPECT_EQ(values_of(adam.state()[0].values)[0], (1 - config.beta1) * 3);
}

TEST(AdamW, AMissingGradientCountsAsZero) {
  OptimizerConfig config;
  const auto used = parameter({1}, {1}), unused = parameter({1, 1}, {1, 2});
  AdamW adam(config, {{"used", used}, {"unused", unused}});
  give_gradient(used, {2});
  const auto norm = adam.gradient_norm();
  EXPECT_NEAR(norm.item<double>(), 2, 1e-12);
  adam.step(0.1, norm);
  // Its moments stay zero; only weight decay moves it.
  EXPECT_EQ(values_of(unused), (std::vector<double>{1 - 0.1 * config.weight_decay,
                                                    1 - 0.1 * config.weight_decay}));
}

// Moments that began after five steps of the others: corrected by their own count.
TEST(AdamW, AParameterThatBeganLateHasTheFirstStepsOfANewOne) {
  OptimizerConfig config;
  config.clip = 0;
  const auto late = parameter({1}, {1}), wrong = parameter({1}, {1}), early = parameter({1}, {1});
  AdamW adam(config, {{"late", late}, {"wrong", wrong}, {"early", early}});
  const AdamW::Late missed = {{"late", 5}, {"elsewhere", 5}};
  adam.set_steps(5, missed);
  EXPECT_EQ(adam.late(), missed);
  Formula formula{config, 0, 1};
  for (int step = 1; step <= 4; ++step) {
    for (const auto& each : {late, wrong, early}) give_gradient(each, {0.5 * step});
    adam.step(0.01, adam.gradient_norm());
    formula.step(0.5 * step, 0.01);
    EXPECT_NEAR(values_of(late)[0], formula.value, 1e-7) << step;
    EXPECT_GT(std::abs(values_of(wrong)[0] - formula.value), 1e-4) << "the common count would show";
  }
  EXPECT_EQ(adam.steps(), 9);
}

TEST(AdamW, DropsTheGradientsItUsed) {
  const auto a = parameter({1}, {1});
  AdamW adam({}, {{"a", a}});
  give_gradient(a, {2});
  adam.step(0.1, adam.gradient_norm());
  EXPECT_FALSE(a.grad().defined());
}

TEST(AdamW, NamesItsStateAfterTheParametersAndSharesIt) {
  const auto norm = parameter({1}, {1}), weight = parameter({1, 2}, {1, 2});
  AdamW adam({}, {{"norm.weight", norm}, {"embedding", weight}});
  std::vector<std::string> names;
  for (const auto& part : adam.state()) names.push_back(part.name);
  EXPECT_EQ(names, (std::vector<std::string>{"exp_avg.embedding", "exp_avg_sq.embedding",
                                             "exp_avg.norm.weight", "exp_avg_sq.norm.weight"}));
  adam.state()[2].values.fill_(5);  // what loading a checkpoint does
  EXPECT_EQ(values_of(adam.state()[2].values)[0], 5);
}

TEST(AdamW, GoesOnWithRestoredStateExactly) {
  OptimizerConfig config;
  const auto a = parameter({1, 2}, {1, 2});
  AdamW one(config, {{"a", a}});
  for (int i = 1; i <= 3; ++i) {
    give_gradient(a, {0.3 * i, -0.2});
    one.step(0.01, one.gradient_norm());
  }
  const auto b = a.detach().clone().set_requires_grad(true);
  AdamW two(config, {{"a", b}});
  for (size_t i = 0; i < 2; ++i) two.state()[i].values.copy_(one.state()[i].values);
  two.set_steps(3);
  give_gradient(a, {0.1, 0.7});
  give_gradient(b, {0.1, 0.7});
  one.step(0.01, one.gradient_norm());
  two.step(0.01, two.gradient_norm());
  EXPECT_EQ(values_of(a), values_of(b));
}

TEST(AdamW, PassesOverParametersWithoutElements) {
  const auto none = at::empty({0, 3}, at::kFloat).set_requires_grad(true);
  const auto a = at::ones({1}).set_requires_grad(true);
  AdamW adam({}, {{"none", none}, {"a", a}});
  give_gradient(a, {1});
  adam.step(0.1, adam.gradient_norm());
  EXPECT_EQ(adam.state().size(), 2u);
}

}  // namespace
}  // namespace moe

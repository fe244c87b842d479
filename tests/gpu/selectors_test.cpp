// DSelect-k's CUDA kernel against the CPU one, which tests/gates holds to the plain operations.
#include "tests/gpu/selectors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/gpu/device.h"

namespace moe::gpu {
namespace {

// Bits of which a part is decided, so that zeros, and flat ones, are among them.
template <class T>
SelectorCase<T> drawn(int64_t n, int64_t k, int64_t E) {
  int64_t m = 0;
  while ((int64_t{1} << m) < E) ++m;
  SelectorCase<T> drawn;
  drawn.in.n = n;
  drawn.in.k = k;
  drawn.in.m = m;
  drawn.in.E = E;
  std::mt19937 engine(1);
  std::uniform_real_distribution<T> uniform(T(-1), T(1));
  const auto fill = [&](std::vector<T>& values, int64_t count) {
    for (int64_t i = 0; i < count; ++i) values.push_back(uniform(engine));
  };
  fill(drawn.bit, n * k * m);
  fill(drawn.mix, n * k);
  fill(drawn.dweight, n * E);
  for (auto* values : {&drawn.dentropy, &drawn.dreach, &drawn.dcollision}) fill(*values, n);
  return drawn;
}

template <class T>
SelectorResult<T> on_host(const SelectorCase<T>& given) {
  auto in = given.in;
  in.bit = given.bit.data();
  in.mix = given.mix.data();
  SelectorResult<T> result(in);
  select_forward_cpu(in,
                     SelectorOutputs<T>{result.weight.data(), result.entropy.data(),
                                        result.reach.data(), result.collision.data(),
                                        result.preferred.data()},
                     0, in.n);
  select_backward_cpu(in,
                      SelectorGradients<T>{given.dweight.data(), given.dentropy.data(),
                                           given.dreach.data(), given.dcollision.data(),
                                           result.dbit.data(), result.dmix.data()},
                      0, in.n);
  return result;
}

template <class T>
void expect_near(const std::vector<T>& found, const std::vector<T>& expected, double tolerance,
                 const char* name) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    const double size = 1 + std::abs(static_cast<double>(expected[i]));
    ASSERT_NEAR(found[i], expected[i], tolerance * size) << name << " at " << i;
    if (expected[i] == 0) {
      ASSERT_EQ(found[i], 0) << name << " at " << i << " has to be exactly 0";
    }
  }
}

template <class T>
void expect_same_on_both(int64_t n, int64_t k, int64_t E, double tolerance) {
  SCOPED_TRACE("n " + std::to_string(n) + " k " + std::to_string(k) + " E " + std::to_string(E));
  const auto given = drawn<T>(n, k, E);
  const auto found = selectors_on_device(given), expected = on_host(given);
  expect_near(found.weight, expected.weight, tolerance, "weight");
  expect_near(found.entropy, expected.entropy, tolerance, "entropy");
  expect_near(found.reach, expected.reach, tolerance, "reach");
  expect_near(found.collision, expected.collision, tolerance, "collision");
  expect_near(found.dbit, expected.dbit, 20 * tolerance, "dbit");
  expect_near(found.dmix, expected.dmix, 20 * tolerance, "dmix");
}

TEST(GpuSelectors, EqualTheCpuKernel) {
  const std::string reason = why_no_device();
  if (!reason.empty()) GTEST_SKIP() << "needs a GPU: " << reason;
  // One token, blocks that are partly idle, more tokens than scratch has threads for, odd experts.
  for (const auto& [n, k, E] : {std::tuple<int64_t, int64_t, int64_t>{1, 2, 4}, {1000, 2, 32},
                               {3000, 4, 1024}, {257, 3, 33}, {64, 1, 1}}) {
    expect_same_on_both<float>(n, k, E, 2e-5);
    expect_same_on_both<double>(n, k, E, 1e-12);
  }
}

}  // namespace
}  // namespace moe::gpu

// Schedules of gates: coefficients that grow, and DSelect-k's gamma.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "gates/dselect_k_config.h"
#include "tests/support/gates.h"

namespace moe {
namespace {

using testing::HasSubstr;

TEST(Ramp, GrowsInALineBetweenItsEnds) {
  const Ramp ramp{2, 0.2, 0.6};
  EXPECT_EQ(ramp.at(0), 0);
  EXPECT_EQ(ramp.at(0.2), 0);
  EXPECT_NEAR(ramp.at(0.3), 0.5, 1e-12);
  EXPECT_NEAR(ramp.at(0.4), 1, 1e-12);
  EXPECT_EQ(ramp.at(0.6), 2);
  EXPECT_EQ(ramp.at(1), 2);
}

TEST(Ramp, WithEqualEndsIsAStep) {
  const Ramp ramp{2, 0.5, 0.5};
  EXPECT_EQ(ramp.at(0.49), 0);
  EXPECT_EQ(ramp.at(0.5), 2);
  EXPECT_EQ((Ramp{3, 0, 0}).at(0), 3);
}

TEST(Gamma, ChangesByAConstantFactorAndKeepsItsEndsExactly) {
  DSelectKConfig config;
  config.gamma = 12.7;
  EXPECT_EQ(config.gamma_at(0), 12.7);
  EXPECT_EQ(config.gamma_at(1), 12.7) << "without gamma_final it stays";
  config.gamma_final = 0.3;
  config.gamma_from = 0.25;
  config.gamma_until = 0.75;
  EXPECT_EQ(config.gamma_at(0.1), 12.7);
  EXPECT_EQ(config.gamma_at(0.75), 0.3);
  EXPECT_EQ(config.gamma_at(1), 0.3);
  EXPECT_NEAR(config.gamma_at(0.5), std::sqrt(12.7 * 0.3), 1e-12);
  EXPECT_NEAR(config.gamma_at(0.4) / config.gamma_at(0.3), config.gamma_at(0.6) / config.gamma_at(0.5),
              1e-12);
}

TEST(Gamma, WidensToo) {
  DSelectKConfig config;
  config.gamma = 1;
  config.gamma_final = 4;
  EXPECT_NEAR(config.gamma_at(0.5), 2, 1e-12);
}

TEST(Ramp, EndsInTheWrongOrderAreRefusedByName) {
  for (const char* name : {"entropy", "collision", "load_balancing", "gamma"}) {
    const std::string key = name;
    try {
      parse_gate("{kind: dselect_k, " + key + "_from: 0.7, " + key + "_until: 0.6}");
      ADD_FAILURE() << key;
    } catch (const std::exception& problem) {
      EXPECT_THAT(problem.what(), HasSubstr("gate." + key + "_from: must not be after " + key +
                                            "_until (0.600000), found 0.700000"));
    }
  }
}

}  // namespace
}  // namespace moe

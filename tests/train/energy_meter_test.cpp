// Where joules come from, on a machine made of files.
#include "train/energy/energy_meter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "tests/support/temp_dir.h"

namespace moe {
namespace {

namespace fs = std::filesystem;

class Powercap : public ::testing::Test {
 protected:
  void domain(const std::string& name, const std::string& what, const std::string& microjoules,
              const std::string& range = "1000000000") {
    fs::create_directories(folder_.file(name));
    folder_.write_file(name + "/name", what + "\n");
    folder_.write_file(name + "/max_energy_range_uj", range + "\n");
    set(name, microjoules);
  }
  void set(const std::string& name, const std::string& microjoules) {
    folder_.write_file(name + "/energy_uj", microjoules + "\n");
  }
  // Two packages, one of them once more under another driver, with parts of their own.
  void two_packages() {
    domain("intel-rapl:0", "package-0", "1000000");
    domain("intel-rapl:1", "package-1", "5000000");
    domain("intel-rapl:0:0", "core", "70");
    domain("intel-rapl:0:1", "dram", "80");
    domain("intel-rapl:2", "psys", "90");
    domain("intel-rapl-mmio:0", "package-0", "1000000");
  }
  std::unique_ptr<EnergyCounter> counter() const { return package_counter(folder_.path()); }
  EnergyMeter meter(const EnergyConfig& config = {}, const EnergyShare& share = {}) const {
    return EnergyMeter(config, share, folder_.path());
  }
  TempDir folder_;
};

EnergyConfig stating(double watts, int64_t processors) {
  EnergyConfig config;
  config.watts = watts;
  config.processors = processors;
  return config;
}

TEST_F(Powercap, PackagesAreAddedUpAndPartsOfThemAreNot) {
  two_packages();
  const auto packages = counter();
  ASSERT_NE(packages, nullptr);
  EXPECT_EQ(packages->joules(), 0);
  set("intel-rapl:0", "3500000");
  set("intel-rapl:1", "5250000");
  for (const char* part : {"intel-rapl:0:0", "intel-rapl:0:1", "intel-rapl:2", "intel-rapl-mmio:0"}) {
    set(part, "900000000");
  }
  EXPECT_DOUBLE_EQ(packages->joules(), 2.75);
  EXPECT_EQ(packages->joules(), 0);
}

TEST_F(Powercap, ACounterThatBeganAgainWentOnCounting) {
  domain("intel-rapl:0", "package-0", "262143000000", "262143328850");
  const auto packages = counter();
  set("intel-rapl:0", "671150");
  EXPECT_DOUBLE_EQ(packages->joules(), 1);
}

TEST_F(Powercap, WhatCannotBeReadIsNotMeasured) {
  EXPECT_EQ(counter(), nullptr);
  EXPECT_EQ(package_counter(folder_.file("nowhere")), nullptr);
  domain("intel-rapl:0", "package-0", "5");
  domain("intel-rapl:1", "package-1", "secret");  // one package is less than the machine
  EXPECT_EQ(counter(), nullptr);
  set("intel-rapl:1", "6");
  const auto packages = counter();
  ASSERT_NE(packages, nullptr);
  fs::remove(folder_.file("intel-rapl:1/energy_uj"));
  EXPECT_TRUE(std::isnan(packages->joules()));
}

TEST_F(Powercap, OnlyWhatPassesBetweenStartAndStopCounts) {
  two_packages();
  auto meter = this->meter();
  EXPECT_TRUE(meter.measures());
  EXPECT_EQ(meter.source(), "rapl");
  set("intel-rapl:0", "2000000");  // before
  meter.start();
  set("intel-rapl:0", "2500000");
  meter.stop(1);
  set("intel-rapl:0", "8000000");  // in between
  meter.start();
  set("intel-rapl:0", "8250000");
  meter.stop(1);
  EXPECT_DOUBLE_EQ(meter.take(), 0.75);
  EXPECT_EQ(meter.take(), 0);
}

TEST_F(Powercap, WhatIsMeasuredGoesBeforeWhatIsStated) {
  two_packages();
  EXPECT_EQ(meter(stating(100, 1)).source(), "rapl");
}

TEST_F(Powercap, ARankThatSharesTheMachineAddsNothing) {
  two_packages();
  auto second = meter({}, {false, false, -1});
  EXPECT_TRUE(second.measures());
  second.start();
  set("intel-rapl:0", "9000000");
  second.stop(1);
  EXPECT_EQ(second.take(), 0);
  second.leave_counters();  // another machine of the run has none
  second.start();
  second.stop(1);
  EXPECT_TRUE(std::isnan(second.take()));
}

TEST_F(Powercap, StatedPowerIsTimesTimeAndOfOneProcessOfTheRun) {
  auto first = meter(stating(65, 2)), second = meter(stating(65, 2), {true, false, -1});
  for (auto* meter : {&first, &second}) {
    EXPECT_FALSE(meter->measures());
    EXPECT_TRUE(meter->known());
    EXPECT_EQ(meter->source(), "stated");
    meter->start();
    meter->stop(3);
    meter->start();
    meter->stop(0.5);
  }
  EXPECT_DOUBLE_EQ(first.take(), 65 * 2 * 3.5);
  EXPECT_EQ(second.take(), 0);
}

TEST_F(Powercap, WhatNobodyKnowsIsNotZero) {
  auto meter = this->meter();
  EXPECT_FALSE(meter.known());
  EXPECT_EQ(meter.source(), "not measured");
  meter.start();
  meter.stop(1);
  EXPECT_TRUE(std::isnan(meter.take()));
}

// A GPU that NVML does not show: its processors' joules are not the run's.
TEST_F(Powercap, AGpuWithoutACounterIsNotMeasured) {
  two_packages();
  const auto meter = this->meter({}, {true, true, 1 << 20});
  EXPECT_FALSE(meter.measures());
  EXPECT_EQ(meter.source(), "not measured");
}

}  // namespace
}  // namespace moe

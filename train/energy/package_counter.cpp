// Intel's Running Average Power Limit counters: microjoules since some time, which begin again at 0 after
// max_energy_range_uj.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <set>
#include <vector>

#include "train/energy/energy_counter.h"

namespace moe {
namespace {

namespace fs = std::filesystem;

std::optional<double> microjoules_in(const fs::path& path) {
  std::ifstream file(path);
  double value = 0;
  return file >> value && value >= 0 ? std::optional(value) : std::nullopt;
}

class PackageCounter : public EnergyCounter {
 public:
  struct Package {
    fs::path counter;
    double range = 0;  // microjoules after which it begins again
    double last = 0;
  };
  explicit PackageCounter(std::vector<Package> packages) : packages_(std::move(packages)) {}

  double joules() override {
    double microjoules = 0;
    for (auto& package : packages_) {
      const auto now = microjoules_in(package.counter);
      if (!now) {
        return std::numeric_limits<double>::quiet_NaN();
      }
      // It went round at most once since the last time: that takes many minutes.
      microjoules += *now - package.last + (*now < package.last ? package.range : 0);
      package.last = *now;
    }
    return microjoules / 1e6;
  }

 private:
  std::vector<Package> packages_;
};

}  // namespace

std::unique_ptr<EnergyCounter> package_counter(const std::string& folder) {
  std::vector<PackageCounter::Package> packages;
  std::set<std::string> names;
  std::error_code error;
  std::vector<fs::path> domains;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    domains.push_back(entry.path());
  }
  std::sort(domains.begin(), domains.end());
  for (const auto& domain : domains) {
    std::string name;
    std::ifstream(domain / "name") >> name;
    // intel-rapl-mmio has the same packages once more; parts (core, dram) have names of their own.
    const bool package = domain.filename().string().rfind("intel-rapl:", 0) == 0 && name.rfind("package", 0) == 0;
    if (!package || !names.insert(name).second) {
      continue;
    }
    const auto now = microjoules_in(domain / "energy_uj"), range = microjoules_in(domain / "max_energy_range_uj");
    if (!now || !range) {
      return nullptr;  // one package alone would be less than the machine
    }
    packages.push_back({domain / "energy_uj", *range, *now});
  }
  return packages.empty() ? nullptr : std::make_unique<PackageCounter>(std::move(packages));
}

}  // namespace moe

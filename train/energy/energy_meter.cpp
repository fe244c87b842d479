#include "train/energy/energy_meter.h"

#include <limits>
#include <utility>

namespace moe {

EnergyMeter::EnergyMeter(const EnergyConfig& config, const EnergyShare& share, const std::string& powercap)
    : config_(config), share_(share) {
  packages_ = package_counter(powercap);
  const bool readable = packages_ != nullptr;
  if (!share.packages) {
    packages_.reset();  // another process of this machine counts them
  }
  if (share.gpu >= 0) {
    gpu_ = gpu_counter(share.gpu);
  }
  measures_ = share.gpu >= 0 ? gpu_ != nullptr : readable;
  if (!measures_) {
    leave_counters();
  }
}

void EnergyMeter::leave_counters() {
  packages_.reset();
  gpu_.reset();
  measures_ = false;
}

std::string EnergyMeter::source() const {
  if (!measures_) {
    return config_.watts > 0 ? "stated" : "not measured";
  }
  return gpu_ == nullptr ? "rapl" : packages_ ? "rapl and nvml" : "nvml";
}

double EnergyMeter::counted() {
  return (packages_ ? packages_->joules() : 0) + (gpu_ ? gpu_->joules() : 0);
}

void EnergyMeter::start() { counted(); }

void EnergyMeter::stop(double seconds) {
  if (measures_) {
    joules_ += counted();
  } else if (config_.watts > 0) {
    joules_ += share_.statement ? config_.watts * static_cast<double>(config_.processors) * seconds : 0;
  } else {
    joules_ = std::numeric_limits<double>::quiet_NaN();
  }
}

double EnergyMeter::take() { return std::exchange(joules_, 0); }

}  // namespace moe

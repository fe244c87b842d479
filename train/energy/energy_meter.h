// The energy of training: measured where the machine counts it, else power times time as the user states it
// (energy.watts), else not known, which is never 0.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "train/energy/energy_counter.h"
#include "train/energy_config.h"

namespace moe {

// What one process answers for, so that ranks' joules add up to the run's.
struct EnergyShare {
  bool packages = true;    // the machine's processors: one process of each machine
  bool statement = true;   // what the user states of all processors: one process of the run
  int64_t gpu = -1;        // the GPU that it uses, as CUDA numbers it; -1: none
};

class EnergyMeter {
 public:
  EnergyMeter(const EnergyConfig& config, const EnergyShare& share,
              const std::string& powercap = "/sys/class/powercap");

  // Whether counters cover what this process answers for: its GPU, or without one its processors. With a GPU
  // the processors are counted too where they can be.
  bool measures() const { return measures_; }
  // Leaves the counters alone: some other rank has none, and sums must be of one kind.
  void leave_counters();
  // "rapl", "nvml", "rapl and nvml", "stated" or "not measured".
  std::string source() const;
  bool known() const { return source() != "not measured"; }

  // Around what is counted, which took `seconds`.
  void start();
  void stop(double seconds);
  // Joules between start() and stop() since the last call; not a number where they are not known.
  double take();

 private:
  double counted();

  EnergyConfig config_;
  EnergyShare share_;
  std::unique_ptr<EnergyCounter> packages_, gpu_;
  bool measures_ = false;
  double joules_ = 0;
};

}  // namespace moe

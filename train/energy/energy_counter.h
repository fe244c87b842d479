// Counters of joules that a machine keeps itself.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace moe {

class EnergyCounter {
 public:
  virtual ~EnergyCounter() = default;
  // Joules since the last call, or since it was made; not a number once it cannot be read any more.
  virtual double joules() = 0;
};

// The machine's processor packages, all of them, whoever uses them (RAPL: Linux's powercap folder, also on AMD).
// Memory and the rest of the machine are left out. Null where the folder has none or they may not be read, which
// often takes an administrator's permission.
std::unique_ptr<EnergyCounter> package_counter(const std::string& folder = "/sys/class/powercap");

// One GPU, as NVML counts it, which is loaded where it is there (Volta and newer; not parts of one by MIG).
// `device`: its number as CUDA has it in this process. Null where there is none.
std::unique_ptr<EnergyCounter> gpu_counter(int64_t device);

}  // namespace moe

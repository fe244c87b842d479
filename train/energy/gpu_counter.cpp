// NVML and the CUDA driver by name, so that every build can ask: nothing of them is linked or included.
#include <dlfcn.h>

#include <limits>

#include "train/energy/energy_counter.h"

namespace moe {
namespace {

template <class Function>
Function* library_symbol(void* library, const char* name) {
  return reinterpret_cast<Function*>(dlsym(library, name));
}

// Where on the bus CUDA's device of that number is: NVML numbers devices otherwise. "" where it is not known.
std::string bus_id(int64_t device) {
  void* driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (driver == nullptr) {
    return "";
  }
  const auto init = library_symbol<int(unsigned)>(driver, "cuInit");
  const auto get = library_symbol<int(int*, int)>(driver, "cuDeviceGet");
  const auto name = library_symbol<int(char*, int, int)>(driver, "cuDeviceGetPCIBusId");
  char text[32] = "";
  int handle = 0;
  const bool found = init && get && name && init(0) == 0 && get(&handle, static_cast<int>(device)) == 0 &&
                     name(text, sizeof text, handle) == 0;
  return found ? text : "";  // the driver stays loaded: CUDA uses it
}

class GpuCounter : public EnergyCounter {
 public:
  using Energy = int(void*, unsigned long long*);  // millijoules since the driver was loaded
  GpuCounter(void* device, Energy* energy, unsigned long long now) : device_(device), energy_(energy), last_(now) {}

  double joules() override {
    unsigned long long now = 0;
    if (energy_(device_, &now) != 0 || now < last_) {
      return std::numeric_limits<double>::quiet_NaN();
    }
    const double used = static_cast<double>(now - last_) / 1e3;
    last_ = now;
    return used;
  }

 private:
  void* device_;
  Energy* energy_;
  unsigned long long last_;
};

}  // namespace

std::unique_ptr<EnergyCounter> gpu_counter(int64_t device) {
  void* nvml = dlopen("libnvidia-ml.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (nvml == nullptr) {
    return nullptr;
  }
  const auto init = library_symbol<int()>(nvml, "nvmlInit_v2");
  const auto find = library_symbol<int(const char*, void**)>(nvml, "nvmlDeviceGetHandleByPciBusId_v2");
  const auto energy = library_symbol<GpuCounter::Energy>(nvml, "nvmlDeviceGetTotalEnergyConsumption");
  const auto bus = bus_id(device);
  void* handle = nullptr;
  unsigned long long now = 0;
  const bool found = init && find && energy && !bus.empty() && init() == 0 && find(bus.c_str(), &handle) == 0 &&
                     energy(handle, &now) == 0;
  return found ? std::make_unique<GpuCounter>(handle, energy, now) : nullptr;
}

}  // namespace moe

// The only file that sees Gloo's headers. LibTorch holds Gloo's code and ships no header of it: those of
// Debian's libgloo-dev are older, and agree in what is used here.
#define USE_C10D_GLOO
#include "train/launch/gloo_group.h"

#include <cstdlib>
#include <string>

#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include "configs/errors.h"

namespace moe {
namespace {

using c10d::ProcessGroupGloo;

std::shared_ptr<gloo::transport::Device> device_of(const std::string& interface) {
  try {
    return ProcessGroupGloo::createDeviceForInterface(interface);
  } catch (const std::exception& error) {
    throw ConfigError("GLOO_SOCKET_IFNAME: expected a network interface of this machine, found '" + interface +
                      "' (" + error.what() + ")");
  }
}

}  // namespace

GlooGroups::GlooGroups(bool one_machine, std::chrono::milliseconds timeout) : timeout_(timeout) {
  const char* chosen = std::getenv("GLOO_SOCKET_IFNAME");
  if (one_machine) {
    device_ = device_of("lo");
  } else {
    device_ = chosen && *chosen ? device_of(chosen) : ProcessGroupGloo::createDefaultDevice();
  }
}

c10::intrusive_ptr<c10d::Backend> GlooGroups::make(const c10::intrusive_ptr<c10d::Store>& store, int64_t rank,
                                                   int64_t ranks) const {
  const auto options = ProcessGroupGloo::Options::create(timeout_);
  options->devices.push_back(device_);
  return c10::make_intrusive<ProcessGroupGloo>(store, static_cast<int>(rank), static_cast<int>(ranks), options);
}

}  // namespace moe

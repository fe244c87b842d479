// Process groups on CPUs: c10d's Gloo, over TCP.
#pragma once

#include <chrono>
#include <memory>

#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace gloo::transport {
class Device;
}

namespace moe {

class GlooGroups {
 public:
  // On one machine all listen on the loopback interface alone, for Gloo has no authentication; else on
  // that of GLOO_SOCKET_IFNAME, or of this machine's name. ConfigError where there is no such interface.
  GlooGroups(bool one_machine, std::chrono::milliseconds timeout);

  // All ranks of the group at once, with a store of the group's own.
  c10::intrusive_ptr<c10d::Backend> make(const c10::intrusive_ptr<c10d::Store>& store, int64_t rank,
                                         int64_t ranks) const;

 private:
  std::shared_ptr<gloo::transport::Device> device_;  // one listening socket for all groups
  std::chrono::milliseconds timeout_;
};

}  // namespace moe

// NCCL with one rank: shows that its header and library fit each other and the CUDA runtime.
#include <nccl.h>

#include "tests/gpu/device.h"
#include "tests/gpu/device_buffer.h"

namespace moe::gpu {
namespace {

void check_nccl(ncclResult_t status, const char* what) {
  if (status != ncclSuccess) {
    throw std::runtime_error(std::string(what) + ": " + ncclGetErrorString(status));
  }
}

// Destroys the communicator also when a call throws.
struct Communicator {
  ncclComm_t handle = nullptr;
  Communicator() {
    const int device = 0;
    check_nccl(ncclCommInitAll(&handle, 1, &device), "ncclCommInitAll");
  }
  ~Communicator() { ncclCommDestroy(handle); }
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;
};

}  // namespace

std::vector<float> all_reduce_of_one_rank(const std::vector<float>& values) {
  DeviceBuffer input(values);
  DeviceBuffer output(std::vector<float>(values.size(), -1.0f));  // so that a copy left out shows
  Communicator communicator;
  check_nccl(ncclAllReduce(input.data(), output.data(), values.size(), ncclFloat, ncclSum,
                           communicator.handle, nullptr),
             "ncclAllReduce");
  return output.to_host();
}

}  // namespace moe::gpu

// The only file that sees NCCL through c10d.
#define USE_C10D_NCCL
#include <c10/cuda/CUDAFunctions.h>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include <cstdlib>

#include "configs/errors.h"
#include "train/launch/nccl_group.h"

namespace moe {

at::Device prepare_nccl(const Launch& launch, at::Device device) {
  const int64_t index = device.has_index() ? device.index() : launch.local_rank;
  const int64_t devices = c10::cuda::device_count();
  if (index >= devices) {
    throw ConfigError("rank " + std::to_string(launch.rank) + ": expected GPU " + std::to_string(index) +
                      " on its machine, which has " + std::to_string(devices) + ", and " +
                      std::to_string(launch.local_ranks) +
                      " ranks: start as many ranks as there are GPUs, or set parallel.backend=gloo and "
                      "train.device=cpu");
  }
  c10::cuda::set_device(static_cast<c10::DeviceIndex>(index));

  // What the user has set stays. NCCL has no authentication either.
  if (launch.one_machine()) ::setenv("NCCL_SOCKET_IFNAME", "lo", 0);
  // A collective that fails or outlasts the timeout aborts its communicator and then ends this process
  // (TearDown). Its kernels would otherwise wait for ever, or, aborted alone, leave numbers that mean nothing.
  ::setenv("TORCH_NCCL_ASYNC_ERROR_HANDLING", "1", 0);
  // What each rank was doing is said by RankWatch; c10d's own record costs up to a minute before the end.
  ::setenv("TORCH_NCCL_DUMP_ON_TIMEOUT", "0", 0);
  return {device.type(), static_cast<c10::DeviceIndex>(index)};
}

c10::intrusive_ptr<c10d::Backend> nccl_group(const c10::intrusive_ptr<c10d::Store>& store, int64_t rank,
                                             int64_t ranks, at::Device device, std::chrono::milliseconds timeout) {
  const auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = timeout;
  auto group = c10::make_intrusive<c10d::ProcessGroupNCCL>(store, static_cast<int>(rank), static_cast<int>(ranks),
                                                           options);
  group->setBoundDeviceId(device);
  return group;
}

}  // namespace moe

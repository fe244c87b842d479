// Process groups on GPUs: c10d's NCCL. In a build without CUDA nccl_group_no_cuda.cpp stands in.
#pragma once

#include <chrono>

#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "layers/torch.h"
#include "train/launch/launch.h"

namespace moe {

// Before the first group: makes this rank's GPU the current one, and chooses what NCCL does about a rank
// that is gone or late. `device`: its index, if it has one, is this rank's GPU; else the local rank is.
// ConfigError in a build without CUDA, and where the machine has no such GPU.
at::Device prepare_nccl(const Launch& launch, at::Device device);

// All ranks of the group at once, with a store of the group's own.
c10::intrusive_ptr<c10d::Backend> nccl_group(const c10::intrusive_ptr<c10d::Store>& store, int64_t rank,
                                             int64_t ranks, at::Device device, std::chrono::milliseconds timeout);

}  // namespace moe

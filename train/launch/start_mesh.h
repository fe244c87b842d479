// From a launch to ranks that can talk: store, process groups, watch.
#pragma once

#include "layers/torch.h"
#include "moe/mesh.h"
#include "train/launch/launch.h"
#include "train/parallel_config.h"

namespace moe {

// Waits until all ranks have met (at most parallel.timeout). One rank alone has no store and opens no
// socket. On one machine everything listens on the loopback interface only. ConfigError where
// parallel.expert does not divide the ranks; RankFailure naming the ranks that did not come.
Mesh start_mesh(const Launch& launch, const ParallelConfig& config, at::Device device);

}  // namespace moe

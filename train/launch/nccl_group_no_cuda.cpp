#include "configs/errors.h"
#include "train/launch/nccl_group.h"

namespace moe {
namespace {

[[noreturn]] void refuse() {
  throw ConfigError("parallel.backend: nccl needs a build with CUDA, and this one has none: build with "
                    "-DMOE_CUDA=ON, or set parallel.backend=gloo");
}

}  // namespace

at::Device prepare_nccl(const Launch&, at::Device) { refuse(); }

c10::intrusive_ptr<c10d::Backend> nccl_group(const c10::intrusive_ptr<c10d::Store>&, int64_t, int64_t, at::Device,
                                             std::chrono::milliseconds) {
  refuse();
}

}  // namespace moe

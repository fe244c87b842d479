#include "train/launch/start_mesh.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

#include "configs/errors.h"
#include "train/launch/gloo_group.h"
#include "train/launch/meeting.h"
#include "train/launch/nccl_group.h"
#include "train/launch/rank_watch.h"
#include "train/launch/rendezvous.h"

namespace moe {
namespace {

// Of a group in which a disk may keep one rank busy. A rank that is gone is noticed at once there too; one that
// stands still is, by the others, in every other operation.
constexpr auto kPatience = std::chrono::hours(1);

void check(const Launch& launch, const ParallelConfig& config) {
  if (launch.ranks % config.expert != 0) {
    throw ConfigError("parallel.expert: expected a divisor of the " + std::to_string(launch.ranks) +
                      (launch.ranks == 1 ? " rank" : " ranks") + " (started by: " + launch.source + "), found " +
                      std::to_string(config.expert) + ": start a multiple of " + std::to_string(config.expert) +
                      " ranks, for instance by torchrun --no-python --nproc-per-node=" +
                      std::to_string(config.expert) + ", or lower it");
  }
}

bool uses_nccl(const ParallelConfig& config, at::Device device) {
  if (config.backend == "nccl" && !device.is_cuda()) {
    throw ConfigError("parallel.backend: expected gloo or auto for tensors on " + device.str() +
                      ", found nccl, which is for GPUs");
  }
  return config.backend == "nccl" || (config.backend == "auto" && device.is_cuda());
}

// Makes the groups of this rank, one after the other in the same order on every rank.
class Groups {
 public:
  Groups(const Launch& launch, bool nccl, at::Device device, std::chrono::milliseconds timeout,
         c10::intrusive_ptr<c10d::Store> store, std::shared_ptr<RanksWatched> watched)
      : rank_(launch.rank), one_machine_(launch.one_machine()), nccl_(nccl), device_(device), timeout_(timeout),
        store_(std::move(store)), watched_(std::move(watched)), gloo_(launch.one_machine(), timeout),
        patient_(launch.one_machine(), std::max(timeout, std::chrono::milliseconds(kPatience))) {}

  // Of `members`, ranks of the world of which this is one. `name`: the same for all of them alone.
  Mesh::Group make(const std::string& name, std::vector<int64_t> members, bool on_cpu = false,
                   bool patient = false) const {
    if (members.size() == 1) return std::make_shared<RankGroup>();
    const auto store = c10::make_intrusive<c10d::PrefixStore>(name, store_);
    const auto R = static_cast<int64_t>(members.size());
    const auto r = static_cast<int64_t>(std::find(members.begin(), members.end(), rank_) - members.begin());
    auto watch = RanksWatched::of(watched_, std::move(members));
    try {
      auto backend = nccl_ && !on_cpu ? nccl_group(store, r, R, device_, timeout_)
                                     : (patient ? patient_ : gloo_).make(store, r, R);
      return std::make_shared<RankGroup>(std::move(backend), std::move(watch));
    } catch (const std::exception& error) {
      const auto text = watch->explain("connecting group " + name, error.what());
      throw RankFailure(one_machine_ ? text : text + "; GLOO_SOCKET_IFNAME chooses the network interface");
    }
  }

 private:
  int64_t rank_;
  bool one_machine_, nccl_;
  at::Device device_;
  std::chrono::milliseconds timeout_;
  c10::intrusive_ptr<c10d::Store> store_;
  std::shared_ptr<RanksWatched> watched_;
  GlooGroups gloo_, patient_;
};

// `n` ranks from `first` on, each `apart` from the one before.
std::vector<int64_t> ranks_from(int64_t first, int64_t n, int64_t apart) {
  std::vector<int64_t> ranks(static_cast<size_t>(n));
  for (auto& rank : ranks) rank = std::exchange(first, first + apart);
  return ranks;
}

}  // namespace

Mesh start_mesh(const Launch& launch, const ParallelConfig& config, at::Device device) {
  check(launch, config);
  const bool nccl = uses_nccl(config, device);
  if (launch.ranks == 1) return {};
  if (nccl) device = prepare_nccl(launch, device);

  const auto timeout = std::chrono::milliseconds(static_cast<int64_t>(1000 * config.timeout));
  auto rendezvous = open_rendezvous(launch, config.store, timeout);
  std::string meeting;
  try {
    meeting = meet(*rendezvous.store, launch.rank, launch.ranks, timeout);
  } catch (const c10::Error& error) {
    throw RankFailure("rank " + std::to_string(launch.rank) + ": " + rendezvous.keeper +
                      " is gone before all ranks had met (c10d: " + error.what_without_backtrace() + ")");
  }
  rendezvous.store = c10::make_intrusive<c10d::PrefixStore>(meeting, rendezvous.store);
  const auto watched = std::make_shared<RanksWatched>(rendezvous, launch.rank, launch.ranks, timeout, nccl);
  const Groups groups(launch, nccl, device, timeout, rendezvous.store, watched);

  const int64_t R = launch.ranks, N = config.expert, row = launch.rank / N, column = launch.rank % N;
  const auto all = ranks_from(0, R, 1);
  Mesh mesh;
  mesh.world = groups.make("world", all);
  mesh.gradients = groups.make("gradients", all);
  mesh.expert = groups.make("expert " + std::to_string(row), ranks_from(row * N, N, 1));
  mesh.data = groups.make("data " + std::to_string(column), ranks_from(column, R / N, N));
  mesh.control = groups.make("control", all, true);
  mesh.files = groups.make("files", all, true, true);
  return mesh;
}

}  // namespace moe

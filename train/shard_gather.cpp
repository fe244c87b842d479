#include "train/shard_gather.h"

#include "moe/mesh.h"

namespace moe {
namespace {

// Shares of rank r one after the other, each with as much room as the largest rank's.
void copy_shares(const std::vector<Tensor>& parameters, const Tensor& flat, int64_t r, int64_t R,
                 bool to_flat) {
  int64_t at = 0;
  for (const auto& parameter : parameters) {
    const auto span = span_of(parameter.numel(), r, R);
    auto share = parameter.detach().view({-1}).narrow(0, span.begin, span.size());
    auto there = flat.narrow(0, at, span.size());
    to_flat ? there.copy_(share) : share.copy_(there);
    at += (parameter.numel() + R - 1) / R;
  }
}

void gather_some(const std::vector<Tensor>& parameters, const RankGroup& holders) {
  const int64_t R = holders.size();
  int64_t room = 0;
  for (const auto& parameter : parameters) {
    room += (parameter.numel() + R - 1) / R;
  }
  const auto options = parameters.front().options().requires_grad(false);
  const auto mine = at::zeros({1, room}, options);
  auto all = at::empty({R, room}, options);
  copy_shares(parameters, mine[0], holders.rank(), R, true);
  holders.gather(all, mine, "the updated parameters").wait();
  for (int64_t r = 0; r < R; ++r) {
    if (r != holders.rank()) {
      copy_shares(parameters, all[r], r, R, false);
    }
  }
}

}  // namespace

void gather_shards(const std::vector<Tensor>& parameters, const RankGroup& holders, double bytes) {
  at::NoGradGuard no_grad;
  std::vector<Tensor> some;
  double gathered = 0;
  for (const auto& parameter : parameters) {
    some.push_back(parameter);
    gathered += static_cast<double>(parameter.nbytes());
    if (gathered >= bytes) {
      gather_some(some, holders);
      some.clear();
      gathered = 0;
    }
  }
  if (!some.empty()) {
    gather_some(some, holders);
  }
}

}  // namespace moe

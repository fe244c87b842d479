#include "train/gradient_sum.h"

#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <map>
#include <utility>

#include "train/parameter_places.h"

namespace moe {

struct GradientSum::Bucket {
  Mesh::Group holders;
  std::vector<size_t> parameters;  // in MasterWeights' numbers
  std::vector<int64_t> begin;      // of each in `flat`
  Tensor flat;
  size_t arrived = 0;
  std::vector<bool> here;
  bool sent = false;
  Pending pending;
};

struct GradientSum::Hook : torch::autograd::PostAccumulateGradHook {
  Hook(GradientSum* sum, size_t parameter) : sum_(sum), parameter_(parameter) {}
  void operator()(const Tensor&) override {
    if (sum_->last_) {
      sum_->arrived(parameter_);
    }
  }
  GradientSum* sum_;
  size_t parameter_;
};

GradientSum::GradientSum(MasterWeights& weights, const Mesh& mesh, double bucket_mib)
    : weights_(weights), alone_(mesh.alone()), place_(weights.tensors().size(), {-1, 0}) {
  if (alone_) {
    return;
  }
  const auto& all = weights.tensors();
  const double most = bucket_mib * (1 << 20);
  std::map<std::pair<const RankGroup*, at::ScalarType>, std::pair<size_t, double>> open;  // bucket, bytes
  // Last layers first: their gradients are the first to be there.
  for (size_t i = all.size(); i-- > 0;) {
    const auto& [name, tensor] = all[i];
    if (!weights.working(i).requires_grad() || tensor.numel() == 0) {
      continue;
    }
    const auto place = place_of(name, tensor, mesh);
    if (place.holders->alone()) {
      continue;
    }
    auto& [bucket, bytes] = open[{place.holders.get(), tensor.scalar_type()}];
    if (bytes == 0 || bytes + static_cast<double>(tensor.nbytes()) > most) {
      bucket = buckets_.size();
      bytes = 0;
      buckets_.push_back(std::make_unique<Bucket>());
      buckets_.back()->holders = place.holders;
    }
    bytes += static_cast<double>(tensor.nbytes());
    auto& mine = *buckets_[bucket];
    place_[i] = {static_cast<int64_t>(bucket), mine.parameters.size()};
    mine.begin.push_back(mine.parameters.empty()
                             ? 0
                             : mine.begin.back() + all[mine.parameters.back()].second.numel());
    mine.parameters.push_back(i);
    torch::autograd::impl::set_post_acc_grad_hooks(weights.working(i), std::make_unique<Hook>(this, i));
  }
  for (auto& bucket : buckets_) {
    const auto& last = all[bucket->parameters.back()].second;
    bucket->flat = at::empty({bucket->begin.back() + last.numel()}, last.options().requires_grad(false));
    bucket->here.resize(bucket->parameters.size());
  }
}

GradientSum::~GradientSum() {
  for (size_t i = 0; i < place_.size(); ++i) {
    if (place_[i].first >= 0) {
      torch::autograd::impl::set_post_acc_grad_hooks(weights_.working(i), nullptr);
    }
  }
}

void GradientSum::begin() { last_ = true; }

void GradientSum::arrived(size_t parameter) {
  at::NoGradGuard no_grad;
  auto& bucket = *buckets_[static_cast<size_t>(place_[parameter].first)];
  const size_t number = place_[parameter].second;
  weights_.collect_gradient(parameter);
  const auto& original = weights_.tensors()[parameter].second;
  auto mine = bucket.flat.narrow(0, bucket.begin[number], original.numel());
  original.grad().defined() ? mine.copy_(original.grad().reshape({-1})) : mine.zero_();
  bucket.here[number] = true;
  ++bucket.arrived;
  send_full_ones();
}

// In their order within each group: that of the ones that are full first may differ between ranks.
void GradientSum::send_full_ones() {
  std::map<const RankGroup*, bool> blocked;
  for (auto& bucket : buckets_) {
    auto& stop = blocked[bucket->holders.get()];
    if (bucket->sent || stop) {
      continue;
    }
    if (bucket->arrived < bucket->parameters.size()) {
      stop = true;
      continue;
    }
    bucket->pending = bucket->holders->sum(bucket->flat, "the sum of gradients");
    bucket->sent = true;
  }
}

void GradientSum::finish() {
  weights_.collect_gradients();
  if (alone_ || !last_) {
    return;
  }
  // Parameters that this backward left out on this rank.
  for (auto& bucket : buckets_) {
    for (size_t number = 0; number < bucket->parameters.size(); ++number) {
      if (!bucket->here[number]) {
        arrived(bucket->parameters[number]);
      }
    }
  }
  for (auto& bucket : buckets_) {
    bucket->pending.wait();
    for (size_t number = 0; number < bucket->parameters.size(); ++number) {
      const auto& original = weights_.tensors()[bucket->parameters[number]].second;
      original.mutable_grad() =
          bucket->flat.narrow(0, bucket->begin[number], original.numel()).view(original.sizes());
    }
    bucket->here.assign(bucket->parameters.size(), false);
    bucket->arrived = 0;
    bucket->sent = false;
  }
  last_ = false;
}

}  // namespace moe

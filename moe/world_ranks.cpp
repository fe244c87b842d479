#include "moe/world_ranks.h"

namespace moe {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

const char* const kWhat = "the sums of the gates";

Tensor added_up(const Tensor& values, const RankGroup& world) {
  auto sum = values.detach().clone(at::MemoryFormat::Contiguous);
  world.sum(sum, kWhat).wait();
  return sum;
}

// Every rank goes back through its own share with its own copy of what became of the sum; gradients of
// parameters are added up over ranks afterwards. So backward needs no communication.
struct WorldSum : torch::autograd::Function<WorldSum> {
  static Tensor forward(AutogradContext*, const Tensor& values, const RankGroup* world) {
    return added_up(values, *world);
  }
  static variable_list backward(AutogradContext*, variable_list grad) { return {grad[0], Tensor()}; }
};

}  // namespace

Tensor WorldRanks::sum(const Tensor& values) const {
  if (world_->alone()) {
    return values;
  }
  return values.requires_grad() && at::GradMode::is_enabled() ? WorldSum::apply(values, world_.get())
                                                              : added_up(values, *world_);
}

Tensor WorldRanks::exclusive_scan(const Tensor& values) const {
  const int64_t R = world_->size();
  if (R == 1) {
    return at::zeros_like(values);
  }
  const auto mine = values.detach().reshape({1, -1}).contiguous();
  auto all = at::empty({R, mine.size(1)}, mine.options());
  world_->gather(all, mine, kWhat).wait();
  return all.narrow(0, 0, world_->rank()).sum(0).to(values.scalar_type()).view_as(values);
}

}  // namespace moe

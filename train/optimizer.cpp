#include "train/optimizer.h"

namespace moe {

AdamW::AdamW(const OptimizerConfig& config,
             const std::vector<std::pair<std::string, Tensor>>& parameters)
    : config_(config), groups_(2) {
  groups_[0].weight_decay = config.weight_decay;
  for (const auto& [name, parameter] : parameters) {
    if (parameter.numel() == 0) {
      continue;  // a DSelect-k gate over one expert has no bits
    }
    auto& group = groups_[parameter.dim() >= 2 ? 0 : 1];
    group.names.push_back(name);
    group.parameters.push_back(parameter);
    group.exp_avg.push_back(at::zeros_like(parameter));
    group.exp_avg_sq.push_back(at::zeros_like(parameter));
  }
  std::erase_if(groups_, [](const Group& group) { return group.names.empty(); });
}

Tensor AdamW::step(double lr) {
  at::NoGradGuard no_grad;
  std::vector<std::vector<Tensor>> gradients;
  std::vector<Tensor> norms;
  for (auto& group : groups_) {
    auto& mine = gradients.emplace_back();
    for (const auto& parameter : group.parameters) {
      mine.push_back(parameter.grad().defined() ? parameter.grad() : at::zeros_like(parameter));
    }
    const auto of_group = at::_foreach_norm(mine, 2);
    norms.insert(norms.end(), of_group.begin(), of_group.end());
  }
  const auto norm = at::linalg_vector_norm(at::stack(norms), 2);
  ++steps_;
  for (size_t g = 0; g < groups_.size(); ++g) {
    auto& group = groups_[g];
    if (config_.clip > 0) {
      at::_foreach_mul_(gradients[g], (config_.clip / (norm + 1e-6)).clamp_max(1));
    }
    const std::vector<Tensor> counts(
        group.parameters.size(),
        at::full({}, static_cast<double>(steps_), norm.options().dtype(at::kFloat)));
    at::_fused_adamw_(group.parameters, gradients[g], group.exp_avg, group.exp_avg_sq, {}, counts,
                      lr, config_.beta1, config_.beta2, group.weight_decay, config_.eps,
                      /*amsgrad=*/false, /*maximize=*/false);
    for (auto& parameter : group.parameters) {
      parameter.mutable_grad().reset();
    }
  }
  return norm;
}

std::vector<std::pair<std::string, Tensor>> AdamW::state() const {
  std::vector<std::pair<std::string, Tensor>> all;
  for (const auto& group : groups_) {
    for (size_t i = 0; i < group.names.size(); ++i) {
      all.emplace_back("exp_avg." + group.names[i], group.exp_avg[i]);
      all.emplace_back("exp_avg_sq." + group.names[i], group.exp_avg_sq[i]);
    }
  }
  return all;
}

}  // namespace moe

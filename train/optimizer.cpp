#include "train/optimizer.h"

#include "train/parameter_groups.h"

namespace moe {

AdamW::AdamW(const OptimizerConfig& config,
             const std::vector<std::pair<std::string, Tensor>>& parameters)
    : config_(config) {
  std::vector<std::string> names;
  for (const auto& [name, parameter] : parameters) {
    names.push_back(name);
  }
  const auto rules = parameter_rules(config, names);
  for (size_t i = 0; i < names.size(); ++i) {
    if (rules[i].freeze) {
      frozen_.insert(names[i]);
    }
  }
  // One group for each rate and decay. Matrices come before vectors, whatever comes first in the
  // model: the order in which their norms are added up is part of a run's bits.
  for (const bool matrices : {true, false}) {
    const size_t first = groups_.size();
    for (size_t i = 0; i < parameters.size(); ++i) {
      const auto& [name, parameter] = parameters[i];
      // A DSelect-k gate over one expert has a parameter without values: no bits.
      if (rules[i].freeze || parameter.numel() == 0 || (parameter.dim() >= 2) != matrices) {
        continue;
      }
      const double decay = matrices ? rules[i].weight_decay : 0;
      size_t g = first;
      while (g < groups_.size() &&
             (groups_[g].lr != rules[i].lr || groups_[g].weight_decay != decay)) {
        ++g;
      }
      if (g == groups_.size()) {
        auto& group = groups_.emplace_back();
        group.lr = rules[i].lr;
        group.weight_decay = decay;
      }
      groups_[g].names.push_back(name);
      groups_[g].parameters.push_back(parameter);
      groups_[g].exp_avg.push_back(at::zeros_like(parameter));
      groups_[g].exp_avg_sq.push_back(at::zeros_like(parameter));
    }
  }
}

Tensor AdamW::gradient_norm() {
  at::NoGradGuard no_grad;
  std::vector<Tensor> norms;
  for (auto& group : groups_) {
    for (auto& parameter : group.parameters) {
      if (!parameter.grad().defined()) {
        parameter.mutable_grad() = at::zeros_like(parameter);
      }
    }
    const auto of_group = at::_foreach_norm(gradients(group), 2);
    norms.insert(norms.end(), of_group.begin(), of_group.end());
  }
  return at::linalg_vector_norm(at::stack(norms), 2);
}

void AdamW::step(double lr, const Tensor& norm) {
  at::NoGradGuard no_grad;
  ++steps_;
  for (auto& group : groups_) {
    const auto mine = gradients(group);
    if (config_.clip > 0) {
      at::_foreach_mul_(mine, (config_.clip / (norm + 1e-6)).clamp_max(1));
    }
    const std::vector<Tensor> counts(
        group.parameters.size(),
        at::full({}, static_cast<double>(steps_), norm.options().dtype(at::kFloat)));
    at::_fused_adamw_(group.parameters, mine, group.exp_avg, group.exp_avg_sq, {}, counts,
                      lr * group.lr, config_.beta1, config_.beta2, group.weight_decay, config_.eps,
                      /*amsgrad=*/false, /*maximize=*/false);
  }
  drop_gradients();
}

void AdamW::drop_gradients() {
  for (auto& group : groups_) {
    for (auto& parameter : group.parameters) {
      parameter.mutable_grad().reset();
    }
  }
}

std::vector<std::string> AdamW::nonfinite_gradients() const {
  std::vector<std::string> names;
  for (const auto& group : groups_) {
    const auto mine = gradients(group);
    for (size_t i = 0; i < mine.size(); ++i) {
      if (mine[i].defined() && !mine[i].isfinite().all().item<bool>()) {
        names.push_back(group.names[i]);
      }
    }
  }
  return names;
}

std::vector<Tensor> AdamW::gradients(const Group& group) {
  std::vector<Tensor> all;
  for (const auto& parameter : group.parameters) {
    all.push_back(parameter.grad());
  }
  return all;
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

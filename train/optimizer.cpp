#include "train/optimizer.h"

#include <map>

#include "train/parameter_groups.h"
#include "train/shard_gather.h"

namespace moe {

AdamW::AdamW(const OptimizerConfig& config,
             const std::vector<std::pair<std::string, Tensor>>& parameters, OptimizerLayout layout)
    : config_(config), layout_(std::move(layout)) {
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
      add(groups_[g], name, parameter);
    }
  }
}

void AdamW::add(Group& group, const std::string& name, const Tensor& parameter) const {
  auto place = place_of(name, parameter, layout_.mesh);
  auto updated = parameter;
  if (shared_out(place)) {
    const auto share = share_of(parameter, place);
    updated = parameter.detach().view({-1}).narrow(0, share.begin, share.size());
  }
  group.names.push_back(name);
  group.places.push_back(std::move(place));
  group.parameters.push_back(parameter);
  group.updated.push_back(updated);
  group.exp_avg.push_back(at::zeros_like(updated));
  group.exp_avg_sq.push_back(at::zeros_like(updated));
  group.missed.push_back(0);
}

void AdamW::set_steps(int64_t steps, const Late& late) {
  steps_ = steps;
  late_ = late;
  for (auto& group : groups_) {
    for (size_t i = 0; i < group.names.size(); ++i) {
      const auto found = late_.find(group.names[i]);
      group.missed[i] = found == late_.end() ? 0 : found->second;
    }
  }
}

Span AdamW::share_of(const Tensor& parameter, const ParameterPlace& place) const {
  return shared_out(place) ? span_of(parameter.numel(), place.holders->rank(), place.holders->size())
                           : Span{0, parameter.numel()};
}

Tensor AdamW::gradient_norm() {
  at::NoGradGuard no_grad;
  std::vector<Tensor> norms;
  std::vector<size_t> spread;  // in `norms`: of parameters that other ranks have the rest of
  for (auto& group : groups_) {
    for (auto& parameter : group.parameters) {
      if (!parameter.grad().defined()) {
        parameter.mutable_grad() = at::zeros_like(parameter);
      }
    }
    for (size_t i = 0; i < group.places.size(); ++i) {
      if (group.places[i].spread) {
        spread.push_back(norms.size() + i);
      }
    }
    const auto of_group = at::_foreach_norm(gradients(group), 2);
    norms.insert(norms.end(), of_group.begin(), of_group.end());
  }
  if (!spread.empty()) {
    std::vector<Tensor> squares;
    for (const size_t i : spread) {
      squares.push_back(norms[i].to(at::kDouble).square());
    }
    const auto sums = at::stack(squares);
    layout_.mesh.expert->sum(sums, "the gradient norm of the experts").wait();
    for (size_t i = 0; i < spread.size(); ++i) {
      auto& norm = norms[spread[i]];
      norm = sums[static_cast<int64_t>(i)].sqrt().to(norm.scalar_type());
    }
  }
  return at::linalg_vector_norm(at::stack(norms), 2);
}

void AdamW::step(double lr, const Tensor& norm) {
  at::NoGradGuard no_grad;
  ++steps_;
  for (auto& group : groups_) {
    const auto mine = updated_gradients(group);
    if (config_.clip > 0) {
      at::_foreach_mul_(mine, (config_.clip / (norm + 1e-6)).clamp_max(1));
    }
    std::map<int64_t, Tensor> counted;  // one tensor for all that have the same count
    std::vector<Tensor> counts;
    for (const int64_t missed : group.missed) {
      auto& count = counted[missed];
      if (!count.defined()) {
        count = at::full({}, static_cast<double>(steps_ - missed), norm.options().dtype(at::kFloat));
      }
      counts.push_back(count);
    }
    at::_fused_adamw_(group.updated, mine, group.exp_avg, group.exp_avg_sq, {}, counts,
                      lr * group.lr, config_.beta1, config_.beta2, group.weight_decay, config_.eps,
                      /*amsgrad=*/false, /*maximize=*/false);
  }
  drop_gradients();
  gather_updated();
}

void AdamW::gather_updated() const {
  using Kind = std::pair<at::ScalarType, bool>;  // and whether experts' ranks hold it
  std::map<Kind, std::pair<Mesh::Group, std::vector<Tensor>>> shared;
  for (const auto& group : groups_) {
    for (size_t i = 0; i < group.parameters.size(); ++i) {
      if (shared_out(group.places[i])) {
        auto& [holders, parameters] =
            shared[{group.parameters[i].scalar_type(), group.places[i].spread}];
        holders = group.places[i].holders;
        parameters.push_back(group.parameters[i]);
      }
    }
  }
  for (const auto& [kind, of_kind] : shared) {
    gather_shards(of_kind.second, *of_kind.first, layout_.gather_mib * (1 << 20));
  }
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

std::vector<Tensor> AdamW::updated_gradients(const Group& group) const {
  std::vector<Tensor> all;
  for (size_t i = 0; i < group.parameters.size(); ++i) {
    const auto& gradient = group.parameters[i].grad();
    const auto share = share_of(group.parameters[i], group.places[i]);
    all.push_back(shared_out(group.places[i])
                      ? gradient.reshape({-1}).narrow(0, share.begin, share.size())
                      : gradient);
  }
  return all;
}

std::vector<TensorPart> AdamW::state() const {
  std::vector<TensorPart> all;
  for (const auto& group : groups_) {
    for (size_t i = 0; i < group.names.size(); ++i) {
      const auto& place = group.places[i];
      const auto part = [&](const char* moment, const Tensor& values) {
        TensorPart p{moment + group.names[i], values, place.shape,
                     place.begin + share_of(group.parameters[i], place).begin};
        if (!shared_out(place)) {
          p.copy = place.holders->rank();
          p.copies = place.holders->size();
        }
        return p;
      };
      all.push_back(part(kFirstMoment, group.exp_avg[i]));
      all.push_back(part(kSecondMoment, group.exp_avg_sq[i]));
    }
  }
  return all;
}

}  // namespace moe

#include "gates/hierarchical_gate.h"

#include "layers/shapes.h"

namespace moe {
namespace {

// One tensor of every group's routing, side by side: [T, G, ...].
template <class Member>
Tensor by_group(const std::vector<Routing>& inner, Member member) {
  std::vector<Tensor> all;
  for (const auto& routing : inner) {
    all.push_back(routing.*member);
  }
  return at::stack(all, 1);
}

// Tokens that are live in each group: [T, G] bool.
Tensor members(const Routing& outer, int64_t groups) {
  const auto live = outer.live();  // [T, Ko]
  // One column more than groups collects the slots that are not live.
  const auto column = at::where(live, outer.expert, at::full({}, groups, outer.expert.options()));
  return at::zeros({live.size(0), groups + 1}, live.options())
      .scatter_(1, column, true)
      .narrow(1, 0, groups);
}

// The share of x itself: the outer gate's own and, weighted, that of the groups. [T], or undefined.
Tensor identity_share(const Routing& outer, const std::vector<Routing>& inner,
                      const Tensor& group) {
  auto share = outer.identity_weight;  // [T]
  if (inner.front().identity_weight.defined()) {
    const auto of_slots = by_group(inner, &Routing::identity_weight).gather(1, group);  // [T, Ko]
    const auto below = (outer.weight * of_slots).sum(1);
    share = share.defined() ? share + below : below;
  }
  return share;
}

void add_losses(const Routing& outer, const std::vector<Routing>& inner,
                std::vector<AuxLoss>& aux) {
  for (const auto& loss : outer.aux) {
    aux.push_back({"outer." + loss.name, loss.value, loss.coefficient});
  }
  const double share = 1.0 / static_cast<double>(inner.size());
  for (size_t i = 0; i < inner.front().aux.size(); ++i) {
    const auto& first = inner.front().aux[i];
    Tensor sum;
    for (const auto& routing : inner) {
      sum = sum.defined() ? sum + routing.aux[i].value : routing.aux[i].value;
    }
    aux.push_back({"inner." + first.name, sum * share, first.coefficient});
  }
}

// P(group) P(expert | group), what the entropy is taken of: [T, G * n].
Tensor joint_distribution(const Routing& outer, const std::vector<Routing>& inner) {
  const auto normalized = [](const Tensor& mass) {
    return mass / mass.sum(1, /*keepdim=*/true).clamp_min(1e-30);
  };
  const auto group = normalized(outer.stats.distribution);  // [T, G]
  std::vector<Tensor> all;
  for (size_t g = 0; g < inner.size(); ++g) {
    all.push_back(normalized(inner[g].stats.distribution) *
                  group.select(1, static_cast<int64_t>(g)).unsqueeze(1));  // [T, n]
  }
  return at::cat(all, 1);
}

void add_figures(const std::string& prefix, const GateStats& part, GateStats& stats) {
  for (const auto& [name, mean] : part.gate) {
    auto& sum = stats.gate[prefix + name];
    sum = sum.sum.defined() ? GateStats::Mean{sum.sum + mean.sum, sum.count + mean.count} : mean;
  }
}

}  // namespace

HierarchicalGate::HierarchicalGate(const HierarchicalConfig& config, const GateSize& size,
                                   const Initializer& init)
    : groups_(config.groups),
      size_(size.experts / config.groups),
      slots_(gate_config(config.inner).slots(size_)),
      share_(static_cast<double>(gate_config(config.outer).slots(groups_)) /
             static_cast<double>(groups_)) {
  TORCH_CHECK(size.experts == groups_ * size_, "HierarchicalGate: ", size.experts, " experts in ",
              groups_, " groups");
  outer_ = register_module(
      "outer", make_gate(config.outer, {size.d_model, groups_, size.vocabulary}, init.in("outer")));
  const auto list = register_module("inner", std::make_shared<torch::nn::Module>());
  for (int64_t group = 0; group < groups_; ++group) {
    const auto name = std::to_string(group);
    auto gate =
        make_gate(config.inner, {size.d_model, size_, size.vocabulary}, init.in("inner." + name));
    inner_.push_back(list->register_module(name, std::move(gate)));
  }
}

Routing HierarchicalGate::forward(const GateInput& input) {
  check_shape(input.x, {-1, -1}, "HierarchicalGate input");
  const int64_t T = input.x.size(0);
  const auto outer = outer_->forward(input);    // expert is a group: [T, Ko]
  const auto member = members(outer, groups_);  // [T, G]
  std::vector<Routing> inner;
  for (int64_t g = 0; g < groups_; ++g) {
    auto context = input.context;
    context.valid = member.select(1, g).reshape_as(context.token_ids);  // [B, S]
    auto noise = input.noise;  // of its own: with the outer gate's, both levels would draw the same
    noise.seed = mix64(noise.seed + static_cast<uint64_t>(g) + 1);
    inner.push_back(
        inner_[static_cast<size_t>(g)]->forward(
            {input.x, context, noise, input.ranks, input.share * share_}));
  }

  const auto group = outer.expert.clamp_min(0);  // [T, Ko]; an empty slot weighs 0 in any group
  const int64_t Ko = group.size(1), Ki = inner.front().expert.size(1);
  const auto of_slots = [&](const Tensor& grouped) {  // [T, G, Ki] -> [T, Ko, Ki]
    return grouped.gather(1, group.unsqueeze(2).expand({T, Ko, Ki}));
  };
  const auto choice = of_slots(by_group(inner, &Routing::expert));
  const auto empty = (outer.expert == kEmpty).unsqueeze(2) | (choice == kEmpty);
  auto weight = outer.weight.unsqueeze(2) * of_slots(by_group(inner, &Routing::weight));

  Routing routing;
  routing.skip_zeros = outer.skip_zeros && inner.front().skip_zeros;
  // Where both levels are flat at 0, so is the product: each factor's slope is times the other.
  // What underflows is flat by a mask.
  weight = routing.skip_zeros ? flush_tiny(weight) : weight;
  routing.expert =
      at::where(empty, at::full({}, kEmpty, choice.options()), group.unsqueeze(2) * size_ + choice)
          .reshape({T, Ko * Ki});
  routing.weight = weight.reshape({T, Ko * Ki});  // where either level is empty it weighs 0
  routing.identity_weight = identity_share(outer, inner, group);
  routing.host_syncs = outer.host_syncs;
  for (const auto& each : inner) {
    routing.host_syncs += each.host_syncs;
  }
  add_losses(outer, inner, routing.aux);

  const bool diagnostics = input.context.diagnostics;
  const auto distribution = diagnostics
                                ? joint_distribution(outer, inner)
                                : weight.detach().new_zeros({1, 1}).expand({T, groups_ * size_});
  routing.stats = gate_stats(routing, distribution, {}, input.valid(), diagnostics);
  routing.stats.parts.push_back(outer.stats);
  for (const auto& each : inner) {
    routing.stats.parts.push_back(each.stats);
  }
  for (size_t i = 0; i < routing.stats.parts.size(); ++i) {
    auto& part = routing.stats.parts[i];
    add_figures(i == 0 ? "outer." : "inner.", part, routing.stats);
    part.gate.clear();
    part.distribution = Tensor();
    if (diagnostics) {
      // A group that is dropped takes the slots of its inner gate with it, as many as that gate aims
      // at: those that it would have had are not known.
      routing.stats.dropped_slots =
          routing.stats.dropped_slots + part.dropped_slots * (i == 0 ? slots_ : 1);
    }
  }
  return routing;
}

void HierarchicalGate::end_step(const StepStats& stats) {
  const auto& parts = stats.layer.parts;
  TORCH_CHECK(parts.size() == inner_.size() + 1, "HierarchicalGate: statistics of ", parts.size(),
              " gates for ", inner_.size() + 1);
  outer_->end_step({parts.front(), parts.front()});
  GateStats all;
  for (size_t g = 0; g < inner_.size(); ++g) {
    all += parts[g + 1];
  }
  for (size_t g = 0; g < inner_.size(); ++g) {
    inner_[g]->end_step({parts[g + 1], all});
  }
}

}  // namespace moe

#include "gates/hierarchical_config.h"

#include <algorithm>
#include <iterator>

#include "gates/hash_config.h"

namespace moe {
namespace {

// Experts of a group; at least 1, so that a number of groups which check_experts() refuses divides
// nothing by 0 before that.
int64_t group_size(int64_t experts, int64_t groups) {
  return std::max<int64_t>(1, experts / groups);
}

void append(std::vector<std::string>& all, const std::string& prefix,
            const std::vector<std::string>& names) {
  for (const auto& name : names) {
    all.push_back(prefix + name);
  }
}

const HashConfig& hash_config(const KindChoice& gate) {
  return static_cast<const HashConfig&>(gate_config(gate));
}

}  // namespace

KindList& level_gate_kinds() {
  static KindList list;
  // A program may have appended to gate_kinds() meanwhile.
  if (list.size() + 1 != gate_kinds().size()) {
    list.clear();
    std::copy_if(gate_kinds().begin(), gate_kinds().end(), std::back_inserter(list),
                 [](const Kind& kind) { return kind.name != "hierarchical"; });
  }
  return list;
}

GateAbout HierarchicalConfig::about() const {
  const auto above = gate_config(outer).about(), below = gate_config(inner).about();
  GateAbout about;
  about.paper = "Shazeer et al. 2017, arXiv 1701.06538, appendix B";
  about.slots = "outer's x inner's";
  append(about.losses, "outer.", above.losses);
  append(about.losses, "inner.", below.losses);
  append(about.state, "outer.", above.state);
  for (int64_t group = 0; group < groups; ++group) {
    append(about.state, "inner." + std::to_string(group) + ".", below.state);
  }
  about.looks_ahead = "outer or inner that looks ahead";
  about.flat_zeros = above.flat_zeros && below.flat_zeros;
  return about;
}

int64_t HierarchicalConfig::slots(int64_t experts) const {
  return gate_config(outer).slots(groups) * gate_config(inner).slots(group_size(experts, groups));
}

int64_t HierarchicalConfig::first_slots(int64_t experts) const {
  return gate_config(outer).first_slots(groups) *
         gate_config(inner).first_slots(group_size(experts, groups));
}

bool HierarchicalConfig::causal() const {
  return gate_config(outer).causal() && gate_config(inner).causal();
}

bool HierarchicalConfig::token_alone() const {
  return gate_config(outer).token_alone() && gate_config(inner).token_alone();
}

bool HierarchicalConfig::task_reaches() const {
  return gate_config(outer).task_reaches() && gate_config(inner).task_reaches();
}

void HierarchicalConfig::check_experts(Rules& rules, int64_t experts,
                                       const std::string& prefix) const {
  const auto text = [](int64_t value) { return std::to_string(value); };
  if (experts % groups != 0) {
    rules.require(false, prefix + "groups",
                  "must divide experts (" + text(experts) + "), found " + text(groups));
    return;
  }
  const auto check_level = [&](const KindChoice& level, int64_t count, const std::string& name,
                               const std::string& what) {
    const int64_t k = gate_config(level).slots(count);
    if (k > count) {
      rules.require(false, prefix + name + ".k",
                    "must be at most " + what + " (" + text(count) + "), found " + text(k));
    } else {
      gate_config(level).check_experts(rules, count, prefix + name + ".");
    }
  };
  check_level(outer, groups, "outer", "groups");
  check_level(inner, experts / groups, "inner", "experts / groups");
}

double HierarchicalConfig::saved_values_per_token(int64_t experts) const {
  return gate_config(outer).saved_values_per_token(groups) +
         static_cast<double>(groups) *
             gate_config(inner).saved_values_per_token(group_size(experts, groups)) +
         4 * static_cast<double>(first_slots(experts));
}

double HierarchicalConfig::flops_per_token(int64_t d_model, int64_t experts) const {
  return gate_config(outer).flops_per_token(d_model, groups) +
         static_cast<double>(groups) *
             gate_config(inner).flops_per_token(d_model, group_size(experts, groups));
}

bool HierarchicalConfig::same_on_every_layout() const {
  return gate_config(outer).same_on_every_layout() && gate_config(inner).same_on_every_layout();
}

void HierarchicalConfig::fields(Fields& f) {
  f("groups", groups, "groups of experts, all of one size, by number", between(1, 65536));
  f("outer", outer, "the gate that chooses among groups");
  f("inner", inner,
    "the gates that choose within them, one a group and all alike. Only the tokens of a group are "
    "valid there; the capacity of an inner gate counts as many as a group gets on average, tokens * "
    "outer slots / groups");
}

void HierarchicalConfig::check(Rules& rules) const {
  rules.section("outer", outer);
  rules.section("inner", inner);
  // Of a token that is p-th, or of id v, both levels would say the same, and most experts never be used.
  const bool alike =
      outer.kind == inner.kind &&
      (inner.kind == "round_robin" ||
       (inner.kind == "hash" && hash_config(outer).table == hash_config(inner).table &&
        (hash_config(inner).table == "balanced" || hash_config(outer).seed == hash_config(inner).seed)));
  rules.require(!alike, "inner",
                "must not choose as outer does, or experts whose place in their group is another would "
                "never be used; found '" + inner.kind + "' for both" +
                    (inner.kind == "hash" ? ": give one of them another `seed` and `table: random`"
                                          : ": take another kind for one of them"));
}

}  // namespace moe

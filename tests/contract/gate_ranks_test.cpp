// Every gate on many ranks: the same tokens, spread over ranks unevenly, one of which has none, give the
// routing, the losses, the statistics and the gradients of one rank. Ranks are threads here.
#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "gates/load_metrics.h"
#include "tests/contract/gate_cases.h"
#include "tests/support/gates.h"
#include "tests/support/thread_ranks.h"

namespace moe {
namespace {

constexpr int64_t kRows = 6, kLength = 7, kWidth = 8;  // 42 tokens: groups of 5 or 8 span rows and ranks

// Rows of every rank. With padding the second row has no valid token.
const std::vector<std::vector<int64_t>> kLayouts = {
    {6}, {5, 1}, {0, 6}, {6, 0}, {2, 0, 4}, {1, 1, 0, 4}, {1, 3, 2, 0}};

// Besides gate_cases(): what looks at other ranks' tokens in more ways than those.
std::vector<GateCase> cases_of_ranks() {
  auto cases = gate_cases();
  const std::string top_k = "{kind: top_k, k: %k, capacity_factor: 0.5, capacity_order: ";
  cases.insert(cases.end(), {
      {"choice_groups", top_k + "choice, group_tokens: 5}"},
      {"priority_groups", top_k + "priority, group_tokens: 8}"},
      {"priority_one_group", top_k + "priority, group_tokens: 42}"},
      {"token_one_group", top_k + "token, group_tokens: 1000}"},
      {"micro_batch", "{kind: top_k, k: %k, balance_scope: micro_batch}"},
      {"micro_batch_noisy", "{kind: noisy_top_k, k: %k, balance_scope: micro_batch}"},
      {"gshard_sequences", "{kind: gshard_top_2, capacity_factor: 0.8, capacity_order: priority, "
                           "balance_scope: sequence, z_loss: 0.1}"},
      {"hierarchical_orders",
       "{kind: hierarchical, groups: 2, outer: {kind: top_k, k: 2, capacity_factor: 0.6, capacity_order: "
       "priority, group_tokens: 9}, inner: {kind: top_k, k: 1, capacity_factor: 0.6, capacity_order: choice, "
       "balance_scope: sequence}}", 1, 2},
  });
  return cases;
}

// What one rank's gate did with its tokens.
struct Outcome {
  Tensor expert, weight, identity_weight;
  std::map<std::string, Tensor> aux, gradients;  // by name; of parameters
  Tensor dx;
  GateStats stats;
};

Outcome outcome(const GateCase& test, int64_t E, int64_t k, const TestBatch& batch, const RankScope& ranks) {
  const auto gate = make_gate(parse_gate(with_slots(test.yaml, k)), {kWidth, E, kTestVocabulary},
                              Initializer(5, at::kDouble));
  spread_parameters(*gate, test.spread);
  const auto x = batch.x.detach().clone().requires_grad_(true);
  const auto routing = gate->forward({x, batch.context, batch.context.noise, ranks});

  const auto cotangent = [&](const char* name, const Tensor& of) {
    auto shape = of.sizes().vec();
    shape[0] = kRows * kLength;
    return Initializer(9, at::kDouble)
        .normal(name, shape, 1)
        .narrow(0, batch.context.tokens_before, of.size(0));
  };
  Outcome result{routing.expert, routing.weight.detach(), routing.identity_weight, {}, {}, {}, routing.stats};
  auto loss = (routing.weight * cotangent("weight", routing.weight)).sum();
  if (routing.identity_weight.defined()) {
    loss = loss + (routing.identity_weight * cotangent("identity", routing.identity_weight)).sum();
  }
  for (const auto& each : routing.aux) {
    result.aux[each.name] = each.value.detach();
    loss = loss + static_cast<double>(result.aux.size()) * each.value;  // not its coefficient, which is tiny
  }
  std::vector<Tensor> inputs = {x};
  std::vector<std::string> names = {"x"};
  for (const auto& item : gate->named_parameters()) {
    inputs.push_back(item.value());
    names.push_back(item.key());
  }
  auto gradients = loss.requires_grad()
                       ? torch::autograd::grad({loss}, inputs, {}, std::nullopt, false, /*allow_unused=*/true)
                       : std::vector<Tensor>(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto gradient = gradients[i].defined() ? gradients[i] : at::zeros_like(inputs[i]);
    (i == 0 ? result.dx : result.gradients[names[i]]) = gradient;
  }
  return result;
}

struct Setting {
  bool training = true, padding = false, diagnostics = true;
};

TestBatch batch_of(const Setting& setting = {}) {
  TestBatch batch(kRows, kLength, kWidth, at::kDouble);
  batch.context.training = setting.training;
  batch.context.diagnostics = setting.diagnostics;
  batch.context.noise.first_token = 1000;
  if (setting.padding) {
    const auto token = at::arange(kRows * kLength).view({kRows, kLength});
    batch.context.valid = (token.remainder(5) != 4) & (token.div(kLength, "floor") != 1);
  }
  return batch;
}

std::vector<Outcome> on_ranks(const GateCase& test, int64_t E, int64_t k, const TestBatch& batch,
                              const std::vector<int64_t>& layout, ThreadRanks::Wrong wrong = {}) {
  std::vector<Outcome> results(layout.size());
  run_ranks(
      static_cast<int64_t>(layout.size()),
      [&](const RankScope& ranks, int64_t rank) {
        const int64_t first = std::accumulate(layout.begin(), layout.begin() + rank, int64_t{0});
        const auto own = static_cast<size_t>(rank);
        results[own] = outcome(test, E, k, batch.of_rank(first, layout[own]), ranks);
      },
      wrong);
  return results;
}

// Relative to the largest of `b`, where that is above 1. Written so that NaN differs.
bool same(const Tensor& a, const Tensor& b, double tolerance) {
  if (a.sizes() != b.sizes()) {
    return false;
  }
  return a.numel() == 0 ||
         (a - b).abs().max().item<double>() <= tolerance * std::max(1.0, b.abs().max().item<double>());
}

template <class Member>
Tensor together(const std::vector<Outcome>& ranks, Member member) {
  std::vector<Tensor> all;
  for (const auto& rank : ranks) {
    all.push_back(rank.*member);
  }
  return at::cat(all);
}

// What must hold on any layout: every rank has the same losses, of the same value, and the same statistics;
// everything is a number. What breaks it first, or nothing.
std::string broken(std::vector<Outcome>& ranks) {
  for (auto& rank : ranks) {
    auto& first = ranks.front();
    if (rank.aux.size() != first.aux.size()) return "number of losses";
    for (const auto& [name, value] : rank.aux) {
      if (first.aux.count(name) == 0 || !same(value, first.aux[name], 1e-12)) return "loss " + name + " of ranks";
    }
    if (rank.stats.gate.size() != first.stats.gate.size()) return "number of figures";
    for (const auto& [name, mean] : rank.stats.gate) {
      if (first.stats.gate.count(name) == 0) return "figure " + name;
    }
    const auto mine = summed_tensors(rank.stats), others = summed_tensors(first.stats);
    if (mine.size() != others.size()) return "number of statistics";
    for (size_t i = 0; i < mine.size(); ++i) {
      if (mine[i]->sizes() != others[i]->sizes() || !mine[i]->isfinite().all().item<bool>()) return "statistics";
    }
    if (rank.expert.sizes() != rank.weight.sizes()) return "shape of weight";
    if (!rank.weight.isfinite().all().item<bool>()) return "weight";
    if (!rank.dx.isfinite().all().item<bool>()) return "gradient of x";
    for (const auto& [name, gradient] : rank.gradients) {
      if (!gradient.isfinite().all().item<bool>()) return "gradient of " + name;
    }
  }
  return "";
}

// Statistics added up as a trainer does it: every tensor, in order.
GateStats total(std::vector<Outcome>& ranks) {
  auto sum = ranks.front().stats;
  const auto into = summed_tensors(sum);
  for (auto* tensor : into) {
    *tensor = tensor->clone();
  }
  for (size_t rank = 1; rank < ranks.size(); ++rank) {
    const auto from = summed_tensors(ranks[rank].stats);
    for (size_t i = 0; i < into.size(); ++i) {
      into[i]->add_(*from[i]);
    }
  }
  return sum;
}

// Where ranks together did something else than one rank with all tokens, or nothing.
std::string difference(std::vector<Outcome> ranks, const Outcome& one) {
  if (const auto what = broken(ranks); !what.empty()) return what;
  if (!at::equal(together(ranks, &Outcome::expert), one.expert)) return "expert";
  if (!same(together(ranks, &Outcome::weight), one.weight, 1e-12)) return "weight";
  if (one.identity_weight.defined() &&
      !same(together(ranks, &Outcome::identity_weight), one.identity_weight, 1e-12)) {
    return "identity_weight";
  }
  for (const auto& [name, value] : one.aux) {
    if (!same(ranks.front().aux[name], value, 1e-12)) return "loss " + name;
  }
  // A figure of the step as a whole (lambda) counts once a rank: its mean is what stays.
  auto sum = total(ranks), expected = one.stats;
  const auto figures = load_metrics(sum), expected_figures = load_metrics(expected);
  for (const auto& [name, value] : expected_figures.gate) {
    if (!(std::abs(figures.gate.at(name) - value) <= 1e-12 * std::max(1.0, std::abs(value)))) return "figure " + name;
  }
  for (const auto& [name, values] : expected_figures.gate_lists) {
    if (!same(at::tensor(figures.gate_lists.at(name)), at::tensor(values), 1e-12)) return "figures " + name;
  }
  sum.gate.clear();
  expected.gate.clear();
  const auto found = summed_tensors(sum), wanted = summed_tensors(expected);
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (!same(*found[i], *wanted[i], 1e-12)) return "statistics " + std::to_string(i);
  }
  if (!same(together(ranks, &Outcome::dx), one.dx, 1e-10)) return "gradient of x";
  for (const auto& [name, gradient] : one.gradients) {
    auto all = at::zeros_like(gradient);
    for (auto& rank : ranks) {
      all += rank.gradients[name];
    }
    if (!same(all, gradient, 1e-10)) return "gradient of " + name;
  }
  return "";
}

class GateRanks : public testing::TestWithParam<GateCase> {};

TEST_P(GateRanks, DoTogetherWhatOneRankDoes) {
  for (const auto& [count, k] : {std::pair{4, 2}, {2, 1}}) {
    const int64_t E = GetParam().experts(count);
    const auto choice = parse_gate(with_slots(GetParam().yaml, k));
    for (const auto& setting :
         {Setting{}, Setting{.padding = true, .diagnostics = false}, Setting{.padding = true},
          Setting{.training = false, .padding = true}}) {
      const auto batch = batch_of(setting);
      const auto one = outcome(GetParam(), E, k, batch, OneRank());
      for (const auto& layout : kLayouts) {
        SCOPED_TRACE("rows of ranks: " + testing::PrintToString(layout) +
                     (setting.training ? "" : ", evaluation") + (setting.padding ? ", padding" : "") +
                     (setting.diagnostics ? "" : ", no diagnostics"));
        auto ranks = on_ranks(GetParam(), E, k, batch, layout);
        if (gate_config(choice).same_on_every_layout()) {
          EXPECT_EQ(difference(ranks, one), "");
        } else {
          EXPECT_EQ(broken(ranks), "");
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllGates, GateRanks, testing::ValuesIn(cases_of_ranks()),
                         [](const auto& info) { return info.param.name; });

// What two ranks find wrong about a gate.
std::string found_wrong(const std::string& yaml, ThreadRanks::Wrong wrong) {
  const GateCase test{"", yaml};
  const auto batch = batch_of();
  return difference(on_ranks(test, 4, 2, batch, {2, 4}, wrong), outcome(test, 4, 2, batch, OneRank()));
}

TEST(GateRanksBites, OnASumWhoseGradientIsSummedToo) {
  const std::string yaml = "{kind: top_k, load_balancing: 0.1}";
  EXPECT_EQ(found_wrong(yaml, {}), "");
  EXPECT_EQ(found_wrong(yaml, {.sums_backward = true}), "gradient of x");
  EXPECT_EQ(found_wrong("{kind: top_k, balance_scope: sequence}", {.sums_backward = true}), "gradient of x");
}

TEST(GateRanksBites, OnCapacityThatDoesNotCountTheRanksBefore) {
  for (const std::string order : {"token", "choice"}) {
    EXPECT_EQ(found_wrong("{kind: top_k, capacity_factor: 0.5, capacity_order: " + order + "}",
                          {.scans_nothing = true}),
              "expert");
  }
}

TEST(GateRanksBites, OnWhatIsFormedOverOneRanksTokens) {
  for (const std::string scope : {"sequence", "world", "micro_batch"}) {
    EXPECT_EQ(found_wrong("{kind: top_k, balance_scope: " + scope + "}", {.sums_nothing = true}),
              "loss load_balancing of ranks");
  }
  EXPECT_EQ(found_wrong("{kind: top_k, balance_scope: micro_batch}", {}), "loss load_balancing");
  EXPECT_EQ(found_wrong("{kind: expert_choice}", {}), "expert");
  EXPECT_EQ(found_wrong("{kind: base}", {}), "expert");
  EXPECT_EQ(found_wrong("{kind: top_k, capacity_factor: 0.5, capacity_order: priority}", {.sums_nothing = true}),
            "loss load_balancing of ranks");
  EXPECT_EQ(found_wrong("{kind: top_k, load_balancing: 0, capacity_factor: 0.5, capacity_order: priority}",
                        {.sums_nothing = true}),
            "expert");
  EXPECT_NE(found_wrong("{kind: sinkhorn}", {.sums_nothing = true}), "");
}

TEST(GateRanksBites, OnAContextThatDoesNotKnowTheTokensOfAllRanks) {
  const auto batch = batch_of();
  EXPECT_THROW(run_ranks(2,
                         [&](const RankScope& ranks, int64_t) {
                           outcome({"", "{kind: switch}"}, 4, 1, batch, ranks);
                         }),
               c10::Error);
}

}  // namespace
}  // namespace moe

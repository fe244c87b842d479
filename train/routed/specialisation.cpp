#include "train/routed/specialisation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace moe {
namespace {

struct Sums {
  std::vector<double> group, expert;  // [C], [E]
  double all = 0;
};

Sums sums_of(const std::vector<std::vector<double>>& slots) {
  Sums sums;
  sums.expert.resize(slots.empty() ? 0 : slots.front().size());
  for (const auto& of_group : slots) {
    sums.group.push_back(std::accumulate(of_group.begin(), of_group.end(), 0.0));
    sums.all += sums.group.back();
    for (size_t e = 0; e < of_group.size(); ++e) sums.expert[e] += of_group[e];
  }
  return sums;
}

double ratio_or_zero(double part, double whole) { return whole > 0 ? part / whole : 0; }

}  // namespace

std::vector<std::vector<double>> Specialisation::shares() const {
  const auto sums = sums_of(slots);
  auto shares = slots;
  for (size_t c = 0; c < shares.size(); ++c) {
    for (auto& share : shares[c]) share = ratio_or_zero(share, sums.group[c]);
  }
  return shares;
}

std::vector<std::vector<double>> Specialisation::lifts() const {
  const auto sums = sums_of(slots);
  auto lifts = shares();
  for (auto& of_group : lifts) {
    for (size_t e = 0; e < of_group.size(); ++e) {
      of_group[e] = ratio_or_zero(of_group[e] * sums.all, sums.expert[e]);
    }
  }
  return lifts;
}

double Specialisation::information() const {
  const auto sums = sums_of(slots);
  double information = 0;
  for (size_t c = 0; c < slots.size(); ++c) {
    for (size_t e = 0; e < slots[c].size(); ++e) {
      const double both = slots[c][e];
      if (both > 0) {
        information += both / sums.all * std::log(both / sums.group[c] * sums.all / sums.expert[e]);
      }
    }
  }
  return std::max(0.0, information);  // rounding
}

std::vector<Specialisation::Pair> Specialisation::specialists() const {
  const auto sums = sums_of(slots);
  const auto share = shares(), lift = lifts();
  std::vector<Pair> pairs;
  for (size_t c = 0; c < slots.size(); ++c) {
    Pair best{c, 0, 1, 0};
    for (size_t e = 0; e < slots[c].size(); ++e) {
      const bool enough = tokens[c] >= kFewest && sums.expert[e] >= kFewest &&
                          share[c][e] * static_cast<double>(slots[c].size()) >= 1;
      if (enough && lift[c][e] > best.lift) best = {c, e, lift[c][e], share[c][e]};
    }
    if (best.lift > 1) pairs.push_back(best);
  }
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const Pair& a, const Pair& b) { return a.lift > b.lift; });
  return pairs;
}

}  // namespace moe

#include "train/compare/savings.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/permutation.h"
#include "train/compare/compute.h"

namespace moe {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Of `count` seeds those with these numbers, which may repeat.
using Draw = std::vector<size_t>;

Draw all_seeds(size_t count) {
  Draw draw(count);
  for (size_t i = 0; i < count; ++i) {
    draw[i] = i;
  }
  return draw;
}

// The same number of seeds, each any of them. `side` keeps candidate and blocks apart.
Draw drawn_seeds(size_t count, uint64_t side, uint64_t number) {
  Draw draw(count);
  for (size_t i = 0; i < count; ++i) {
    draw[i] = mix_bits(mix_bits(side, number), i) % count;
  }
  return draw;
}

CurvePoint mean_point(const SeedPoints& seeds, const Draw& draw) {
  CurvePoint mean;
  for (const size_t seed : draw) {
    mean.compute += seeds[seed].compute / static_cast<double>(draw.size());
    mean.quality += seeds[seed].quality / static_cast<double>(draw.size());
  }
  return mean;
}

size_t seeds_of(const CurveBlock& block) { return block.places.empty() ? 0 : block.places.front().size(); }

std::vector<CurvePoint> curve_of(const std::vector<CurveBlock>& blocks, const std::vector<Draw>& draws) {
  std::vector<CurvePoint> curve;
  for (size_t b = 0; b < blocks.size(); ++b) {
    for (const auto& place : blocks[b].places) {
      const auto point = mean_point(place, draws[b]);
      if (std::isfinite(point.quality) && std::isfinite(point.compute) && point.compute > 0) {
        curve.push_back(point);
      }
    }
  }
  const auto cheaper = [](const CurvePoint& a, const CurvePoint& b) { return a.compute < b.compute; };
  if (!std::is_sorted(curve.begin(), curve.end(), cheaper)) {
    std::stable_sort(curve.begin(), curve.end(), cheaper);
  }
  return curve;
}

// Ratios of every draw, ascending.
std::vector<double> bootstrap(const std::vector<CurveBlock>& baseline, const SeedPoints& candidate,
                              bool higher_is_better) {
  std::vector<double> ratios;
  for (int64_t number = 0; number < kBootstrapDraws; ++number) {
    const auto draw_number = static_cast<uint64_t>(number);
    std::vector<Draw> draws;
    for (size_t b = 0; b < baseline.size(); ++b) {
      draws.push_back(drawn_seeds(seeds_of(baseline[b]), b + 1, draw_number));
    }
    const auto point = mean_point(candidate, drawn_seeds(candidate.size(), 0, draw_number));
    const auto equal = compute_at_quality(curve_of(baseline, draws), point.quality, higher_is_better);
    ratios.push_back(equal.reach == Reach::kReached      ? savings_ratio(equal.compute, point.compute)
                     : equal.reach == Reach::kNotReached ? kInfinity
                                                         : 0);
  }
  std::sort(ratios.begin(), ratios.end());
  return ratios;
}

}  // namespace

const char* reach_text(Reach reach) {
  switch (reach) {
    case Reach::kReached:
      return "reached";
    case Reach::kNotReached:
      return "not reached";
    case Reach::kBefore:
      return "before the curve begins";
    case Reach::kNoCurve:
      break;
  }
  return "no curve";
}

std::vector<CurvePoint> mean_curve(const std::vector<CurveBlock>& blocks) {
  std::vector<Draw> all;
  for (const auto& block : blocks) {
    all.push_back(all_seeds(seeds_of(block)));
  }
  return curve_of(blocks, all);
}

EqualQuality compute_at_quality(const std::vector<CurvePoint>& curve, double quality, bool higher_is_better) {
  if (curve.empty() || !std::isfinite(quality)) {
    return {Reach::kNoCurve, 0};
  }
  // How much is missing to the quality: at most 0 where it is reached.
  const auto missing = [&](const CurvePoint& point) {
    return higher_is_better ? quality - point.quality : point.quality - quality;
  };
  if (missing(curve.front()) <= 0) {
    const bool exactly = missing(curve.front()) == 0;
    return {exactly ? Reach::kReached : Reach::kBefore, exactly ? curve.front().compute : 0};
  }
  for (size_t i = 1; i < curve.size(); ++i) {
    const double before = missing(curve[i - 1]), after = missing(curve[i]);
    if (after <= 0) {
      const double share = before / (before - after);
      const double log_compute =
          std::log(curve[i - 1].compute) + share * (std::log(curve[i].compute) - std::log(curve[i - 1].compute));
      return {Reach::kReached, std::exp(log_compute)};
    }
  }
  return {Reach::kNotReached, 0};
}

Savings savings(const std::vector<CurveBlock>& baseline, const SeedPoints& candidate, bool higher_is_better) {
  Savings result;
  result.candidate = mean_point(candidate, all_seeds(candidate.size()));
  result.baseline = compute_at_quality(mean_curve(baseline), result.candidate.quality, higher_is_better);
  if (result.baseline.reach == Reach::kReached) {
    result.ratio = savings_ratio(result.baseline.compute, result.candidate.compute);
  }
  result.over_candidate = candidate.size() > 1;
  result.over_baseline =
      result.over_candidate &&
      std::any_of(baseline.begin(), baseline.end(), [](const CurveBlock& block) { return seeds_of(block) > 1; });
  if (!result.over_candidate || result.baseline.reach == Reach::kNoCurve) {
    return result;
  }
  const auto ratios = bootstrap(baseline, candidate, higher_is_better);
  const auto rank = [&](double share) { return static_cast<size_t>(share * static_cast<double>(ratios.size())); };
  const double low = ratios[rank(0.025)], high = ratios[ratios.size() - 1 - rank(0.025)];
  Interval interval;
  if (std::isfinite(low) && low > 0) interval.low = low;
  if (std::isfinite(high) && high > 0) interval.high = high;
  result.interval = interval;
  const auto unreached = std::count(ratios.begin(), ratios.end(), kInfinity);
  result.not_reached = static_cast<double>(unreached) / static_cast<double>(ratios.size());
  return result;
}

}  // namespace moe

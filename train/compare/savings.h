// Compute to reach equal quality, read off a baseline's own curve, and how sure that is over seeds.
//
// Between neighbouring points of the curve the logarithm of compute is linear in quality. Nothing is
// extrapolated: a quality beyond the curve is "not reached". Where the curve goes up and down, the first crossing
// counts, so a baseline that was as good once gets the credit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace moe {

struct CurvePoint {
  double compute = 0;
  double quality = 0;
};

// One place of a curve that several seeds have been at, or where one variant has ended: a point of each seed.
using SeedPoints = std::vector<CurvePoint>;

// Places of the same runs: place[i][s] is of seed s, so that a seed is drawn for the whole of them at once.
struct CurveBlock {
  std::vector<SeedPoints> places;
};

// The means over seeds, by ascending compute. Points that are not finite, or whose compute is not above 0, are
// left out.
std::vector<CurvePoint> mean_curve(const std::vector<CurveBlock>& blocks);

enum class Reach {
  kReached,
  kNotReached,  // better than all of the curve
  kBefore,      // worse than its first point: passed at less compute than the curve shows
  kNoCurve,     // without a point
};
const char* reach_text(Reach reach);  // "reached", "not reached", "before the curve begins", "no curve"

struct EqualQuality {
  Reach reach = Reach::kNoCurve;
  double compute = 0;  // where reached
};
// `curve` as mean_curve() gives it.
EqualQuality compute_at_quality(const std::vector<CurvePoint>& curve, double quality, bool higher_is_better);

struct Interval {
  std::optional<double> low, high;  // none: open, that side of the draws lies beyond the curve
};

struct Savings {
  CurvePoint candidate;  // mean over seeds
  EqualQuality baseline;
  std::optional<double> ratio;       // baseline.compute / candidate.compute, where reached
  std::optional<Interval> interval;  // 95 %, percentiles of kBootstrapDraws; none for a candidate of one seed
  double not_reached = 0;            // share of the draws that the curve does not reach
  bool over_candidate = false, over_baseline = false;  // whose seeds were drawn again: those with two at least
};

inline constexpr int64_t kBootstrapDraws = 2000;

// Percentile bootstrap (Efron 1979): seeds of either side are drawn again with replacement, each side by itself,
// and the ratio taken anew. Draws are a function of their number alone, so the interval is the same everywhere.
// A draw beyond the curve counts as above every other, one before its beginning as below. A side of one seed stays as
// it is: of the baseline's an interval then has nothing, and of a candidate's there is none, since its own spread is
// not known. Requires a candidate with a point.
Savings savings(const std::vector<CurveBlock>& baseline, const SeedPoints& candidate, bool higher_is_better);

}  // namespace moe

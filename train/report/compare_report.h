// moe-compare --html: the comparison as a page that opens from disk: warnings, tables, and the
// course of every figure by variant, with the spread over seeds.
#pragma once

#include <string>
#include <vector>

#include "train/report/line_chart.h"
#include "train/compare/variants.h"

namespace moe {

// `report` is compare() of these variants.
std::string compare_report(const Json& report, const std::vector<Variant>& variants);

// A metric (a name of train/compare/metric_series.h) of a variant against `x`, which is "step" or a
// counter that every row has, such as "tokens" or "flops": the mean over seeds, and as the band the lowest
// and highest seed where there are several, on the lines of counted_courses() (train/compare/course.h) and
// only where all of them have a value. Neighbouring rows share a point of a line where there are more than
// kMostChartPoints. Where a seed's value is not finite is a gap. Lines without a common x (one validation
// each, at seconds of its own) give one point of their ends.
std::vector<ChartPoint> over_seeds(const Variant& variant, const std::string& metric,
                                   const std::string& x);

// The same of the difference to `baseline`, seed by seed: of the seeds that both have, where both have a
// value. Empty where there is none.
std::vector<ChartPoint> differences_over_seeds(const Variant& variant, const Variant& baseline,
                                               const std::string& metric, const std::string& x);

}  // namespace moe

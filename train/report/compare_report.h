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

// A metric (a name of train/compare/metric_series.h) of a variant's runs against `x`, which is "step" or a
// counter that every row has, such as "tokens" or "flops": the mean over runs, and as the band the
// lowest and highest run where there are several. Neighbouring steps share a point where there are
// more than kMostChartPoints: first each run's mean, so that the band shows how runs differ and not
// how steps do. A point where a run's values are all not finite is a gap.
std::vector<ChartPoint> over_seeds(const Variant& variant, const std::string& metric,
                                   const std::string& x);

}  // namespace moe

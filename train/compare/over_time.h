// moe-compare --over-time: a metric in the course of training, against steps or against what was spent.
#pragma once

#include <string>
#include <vector>

#include "train/compare/variants.h"

namespace moe {

// What --by may say: "step", or a counter of the rows; a total has with it what the checkpoint that a continued
// run began with had cost.
const std::vector<std::string>& over_time_axes();

// At `count` places of the axis `by`, one of these or any other of train/compare/counters.h:
//   {by, at, variants: [{name, mean, n, runs: [{name, seed, values}]}]}
// by step: evenly spaced among the steps that a variant has the metric at, which `steps` repeats; each run's
// last value so far. By a counter ("flops", "seconds"): evenly spaced up to the last place that all counted
// runs of a variant get to; a run's value on the straight line between its neighbouring points. Null before
// a run's first point and after its last: nothing is extrapolated.
// `mean` is over `n` seeds, of counted_courses() (train/compare/course.h): null, and n 0, where one of them
// has no value.
Json over_time(const std::vector<Variant>& variants, const std::string& metric, int64_t count,
               const std::string& by);

}  // namespace moe

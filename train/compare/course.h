// The course of a metric: of one run against an axis, and over the seeds of a variant.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "train/compare/variants.h"

namespace moe {

struct CoursePoint {
  double at = 0;
  double value = 0;  // NaN where it was not finite
};

struct Course {
  int64_t seed = 0;
  bool finished = false;            // the run has the metric at its last step
  std::vector<CoursePoint> points;  // ascending; several may share a place
};

// Of every run, in their order, against an axis of train/compare/counters.h, such as "step" or "total_flops".
// Rows without a finite number there are left out.
std::vector<Course> courses_of(const Variant& variant, const std::string& metric,
                               const std::string& axis);

// The finished ones that have a point.
std::vector<Course> finished_courses(std::vector<Course> courses);

// Those that stand for the variant: the finished ones; where none is, all that have a point.
std::vector<Course> counted_courses(std::vector<Course> courses);

// On the straight line between neighbouring points, or the last value so far where not `straight`. None
// before the first point and after the last: nothing is extrapolated.
std::optional<double> value_at(const Course& course, double place, bool straight);

// The value of each seed, by mean_by_seed(). Empty where not all courses have one: a mean over fewer of them
// would jump where a run ends.
std::map<int64_t, double> by_seed_at(const std::vector<Course>& courses, double place, bool straight);
// The values alone.
std::vector<double> seeds_at(const std::vector<Course>& courses, double place, bool straight);

// The places of points at which all courses have a value.
std::set<double> shared_places(const std::vector<Course>& courses);

// At most `count` of the places, evenly spaced among them, the first and the last included; the last
// alone for one. Requires 1 at least.
std::vector<double> spaced(const std::set<double>& places, int64_t count);

}  // namespace moe

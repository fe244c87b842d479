// over_seeds() and differences_over_seeds() of train/report/compare_report.h.
#include <algorithm>
#include <cmath>

#include "train/compare/course.h"
#include "train/compare/statistics.h"
#include "train/report/compare_report.h"

namespace moe {
namespace {

// Means over neighbouring rows where there are many, so that the band shows how seeds differ and not how
// rows do.
void smooth(Course& course) {
  std::vector<ChartPoint> points;
  for (const auto& point : course.points) {
    points.push_back({point.at, point.value});
  }
  course.points.clear();
  for (const auto& point : thinned(points, kMostChartPoints)) {
    course.points.push_back({point.x, point.y});
  }
}

// Courses without a common place, as of one validation each at seconds of its own, have their last points
// moved to their mean place: an end to look at, if no course.
void join_ends(std::vector<Course>& courses) {
  std::vector<double> ends;
  for (const auto& course : courses) {
    ends.push_back(course.points.back().at);
  }
  for (auto& course : courses) {
    course.points = {CoursePoint{mean(ends), course.points.back().value}};
  }
}

ChartPoint point_of(const std::vector<double>& seeds, double x) {
  ChartPoint point{x, mean(seeds)};
  if (seeds.size() > 1 && std::isfinite(point.y)) {
    const auto [low, high] = std::minmax_element(seeds.begin(), seeds.end());
    point.low = *low, point.high = *high;
  }
  return point;
}

std::vector<Course> smooth_courses(const Variant& variant, const std::string& metric,
                                   const std::string& x) {
  auto courses = counted_courses(courses_of(variant, metric, x));
  std::for_each(courses.begin(), courses.end(), smooth);
  return courses;
}

}  // namespace

std::vector<ChartPoint> over_seeds(const Variant& variant, const std::string& metric,
                                   const std::string& x) {
  auto courses = smooth_courses(variant, metric, x);
  auto places = shared_places(courses);
  if (places.empty()) {
    join_ends(courses);
    places = shared_places(courses);
  }
  std::vector<ChartPoint> points;
  for (const double place : spaced(places, kMostChartPoints)) {
    points.push_back(point_of(seeds_at(courses, place, true), place));
  }
  return points;
}

std::vector<ChartPoint> differences_over_seeds(const Variant& variant, const Variant& baseline,
                                               const std::string& metric, const std::string& x) {
  const auto courses = smooth_courses(variant, metric, x), others = smooth_courses(baseline, metric, x);
  auto places = shared_places(courses);
  places.merge(shared_places(others));
  if (places.empty()) {
    return {};
  }
  std::vector<ChartPoint> points;
  for (const double place : spaced(places, kMostChartPoints)) {
    const auto theirs = by_seed_at(others, place, true);
    std::vector<double> differences;
    for (const auto& [seed, value] : by_seed_at(courses, place, true)) {
      if (const auto other = theirs.find(seed); other != theirs.end()) {
        differences.push_back(value - other->second);
      }
    }
    if (!differences.empty()) {
      points.push_back(point_of(differences, place));
    }
  }
  return points;
}

}  // namespace moe

#include "train/compare/course.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "train/compare/counters.h"
#include "train/compare/metric_series.h"
#include "train/compare/statistics.h"

namespace moe {

std::vector<Course> courses_of(const Variant& variant, const std::string& metric,
                               const std::string& axis) {
  std::vector<Course> courses;
  for (const auto& run : variant.runs) {
    const auto series = metric_series(run.rows, metric);
    Course course;
    course.seed = run.config.run.seed;
    course.finished = !series.empty() && series.back().step >= run.config.train.steps;
    for (const auto& point : series) {
      const double at = counter_at(run, run.rows[point.row], axis);
      if (std::isfinite(at)) {
        course.points.push_back({at, point.value});
      }
    }
    std::stable_sort(course.points.begin(), course.points.end(),
                     [](const CoursePoint& a, const CoursePoint& b) { return a.at < b.at; });
    courses.push_back(std::move(course));
  }
  return courses;
}

std::vector<Course> finished_courses(std::vector<Course> courses) {
  std::erase_if(courses, [](const Course& course) { return !course.finished || course.points.empty(); });
  return courses;
}

std::vector<Course> counted_courses(std::vector<Course> courses) {
  std::erase_if(courses, [](const Course& course) { return course.points.empty(); });
  if (std::any_of(courses.begin(), courses.end(), [](const Course& c) { return c.finished; })) {
    std::erase_if(courses, [](const Course& course) { return !course.finished; });
  }
  return courses;
}

std::optional<double> value_at(const Course& course, double place, bool straight) {
  const auto& points = course.points;
  const auto after =
      std::upper_bound(points.begin(), points.end(), place,
                       [](double at, const CoursePoint& point) { return at < point.at; });
  if (after == points.begin() || points.back().at < place) {
    return std::nullopt;
  }
  const auto& before = *(after - 1);
  // A point has its own value whatever follows: 0 times what is not finite is not 0.
  if (!straight || before.at == place) {
    return before.value;
  }
  const double share = (place - before.at) / (after->at - before.at);
  return before.value + share * (after->value - before.value);
}

std::map<int64_t, double> by_seed_at(const std::vector<Course>& courses, double place,
                                     bool straight) {
  std::vector<std::pair<int64_t, double>> all;
  for (const auto& course : courses) {
    const auto value = value_at(course, place, straight);
    if (!value) {
      return {};
    }
    all.emplace_back(course.seed, *value);
  }
  return mean_by_seed(all);
}

std::vector<double> seeds_at(const std::vector<Course>& courses, double place, bool straight) {
  std::vector<double> values;
  for (const auto& [seed, value] : by_seed_at(courses, place, straight)) {
    values.push_back(value);
  }
  return values;
}

std::set<double> shared_places(const std::vector<Course>& courses) {
  std::set<double> places;
  for (const auto& course : courses) {
    for (const auto& point : course.points) {
      if (!seeds_at(courses, point.at, true).empty()) {
        places.insert(point.at);
      }
    }
  }
  return places;
}

std::vector<double> spaced(const std::set<double>& places, int64_t count) {
  const std::vector<double> all(places.begin(), places.end());
  const auto size = static_cast<int64_t>(all.size());
  if (count >= size) {
    return all;
  }
  if (count == 1) {
    return {all.back()};
  }
  std::vector<double> chosen;
  for (int64_t i = 0; i < count; ++i) {
    const double place = static_cast<double>(i * (size - 1)) / static_cast<double>(count - 1);
    chosen.push_back(all[static_cast<size_t>(std::llround(place))]);
  }
  return chosen;
}

}  // namespace moe

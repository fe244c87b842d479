#include "train/compare/equal_cost.h"

#include <algorithm>
#include <limits>

#include "train/compare/counters.h"
#include "train/compare/course.h"
#include "train/compare/measured_on.h"
#include "train/compare/statistics.h"
#include "train/compare/test_figures.h"
#include "train/compare/twins.h"

namespace moe {
namespace {

// The last place that all of the courses get to.
double common_end(const std::vector<Course>& courses) {
  double end = std::numeric_limits<double>::infinity();
  for (const auto& course : courses) {
    end = std::min(end, course.points.back().at);
  }
  return end;
}

std::vector<double> values_of(const std::map<int64_t, double>& seeds) {
  std::vector<double> values;
  for (const auto& [seed, value] : seeds) {
    values.push_back(value);
  }
  return values;
}

Json at_equal(const Variant& sparse, const Variant& dense, const std::string& metric, const std::string& axis) {
  const auto of_sparse = finished_courses(courses_of(sparse, metric, axis));
  const auto of_dense = finished_courses(courses_of(dense, metric, axis));
  if (of_sparse.empty() || of_dense.empty()) {
    return nullptr;
  }
  const double place = std::min(common_end(of_sparse), common_end(of_dense));
  const auto ours = by_seed_at(of_sparse, place, true), theirs = by_seed_at(of_dense, place, true);
  if (ours.empty() || theirs.empty()) {
    return nullptr;
  }
  std::vector<double> a, b;
  for (const auto& [seed, value] : ours) {
    if (const auto other = theirs.find(seed); other != theirs.end()) {
      a.push_back(value);
      b.push_back(other->second);
    }
  }
  const double mine = mean(values_of(ours)), other = mean(values_of(theirs));
  auto difference = test_figures(paired_t_test(a, b));
  if (a.empty()) {
    difference["mean"] = mine - other;
  }
  return {{"at", place},
          {"sparse", mine},
          {"dense", other},
          {"n", std::min(ours.size(), theirs.size())},
          {"difference", difference}};
}

}  // namespace

Json equal_cost_figures(const std::vector<Variant>& variants, const Json& figures, size_t baseline,
                        const std::string& metric, AttentionFlops flops) {
  Json rows = Json::array();
  for (size_t i = 0; i < variants.size(); ++i) {
    const auto& moe = variants[i].first().config.model.moe;
    auto twin = dense_twin(variants, i);
    if (!twin && moe && !variants[baseline].first().config.model.moe &&
        !begins_with_end_of(variants[i], variants[baseline])) {
      twin = baseline;
    }
    if (!twin || !measured_otherwise(variants[i], variants[*twin], metric).empty()) {
      continue;
    }
    const auto by = [&](const std::string& counter) {
      return at_equal(variants[i], variants[*twin], metric, "total_" + counter);
    };
    const auto per_token = [&](size_t variant) {
      const double all = figures[variant].at("flops_per_token"), attention = figures[variant].at("flops_per_token_attention");
      return flops == AttentionFlops::kWith ? all : all - attention;
    };
    const auto by_flops = by(flops_axis(flops)), by_seconds = by("seconds");
    if (!by_flops.is_null() || !by_seconds.is_null()) {
      rows.push_back({{"name", variants[i].name},
                      {"dense", variants[*twin].name},
                      {"flops_per_token",
                       {{"sparse", per_token(i)}, {"dense", per_token(*twin)}}},
                      {"flops", by_flops},
                      {"seconds", by_seconds}});
    }
  }
  return rows.empty() ? Json() : rows;
}

}  // namespace moe

#include "train/compare/overhead.h"

#include <string>

#include "train/compare/counters.h"

namespace moe {
namespace {

Json part_of(const Json& variant, const std::string& counter) {
  const auto &total = variant.at("total").at(counter), &before = variant.at("began_with").at(counter);
  if (!total.is_number() || !before.is_number()) {
    return {{"own", nullptr}, {"before", before}, {"share", nullptr}};
  }
  const double own = total.get<double>() - before.get<double>(), base = before;
  return {{"own", own}, {"before", base}, {"share", base > 0 ? Json(own / base) : Json()}};
}

}  // namespace

Json overhead_figures(const Json& figures, AttentionFlops flops) {
  Json rows = Json::array();
  for (const auto& variant : figures) {
    if (!variant.at("began_with").is_null()) {
      rows.push_back({{"name", variant.at("name")},
                      {"flops", part_of(variant, flops_axis(flops))},
                      {"tokens", part_of(variant, "tokens")},
                      {"seconds", part_of(variant, "seconds")},
                      {"joules", part_of(variant, "joules")}});
    }
  }
  return rows.empty() ? Json() : rows;
}

}  // namespace moe

#include "train/compare/overhead.h"

#include <string>

#include "train/compare/counters.h"

namespace moe {
namespace {

// Of the runs' own counters, which are known whatever is known of what they began with.
Json own_cost(const Json& cost, const std::string& counter) {
  if (counter != flops_axis(AttentionFlops::kWithout)) {
    return cost.at(counter);
  }
  const auto &flops = cost.at("flops"), &attention = cost.at("flops_attention");
  const bool known = flops.is_number() && attention.is_number();
  return known ? Json(flops.get<double>() - attention.get<double>()) : Json();
}

Json part_of(const Json& variant, const std::string& counter) {
  const auto& before = variant.at("began_with").at(counter);
  const auto own = own_cost(variant.at("cost"), counter);
  const bool share = own.is_number() && before.is_number() && before.get<double>() > 0;
  return {{"own", own}, {"before", before}, {"share", share ? Json(own.get<double>() / before.get<double>()) : Json()}};
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

#include "train/compare/test_figures.h"

namespace moe {

Json test_figures(const PairedTest& test) {
  return {{"mean", test.pairs > 0 ? Json(test.mean_difference) : Json()},
          {"pairs", test.pairs},
          {"ci", test.half_width ? Json({test.mean_difference - *test.half_width,
                                         test.mean_difference + *test.half_width})
                                 : Json()},
          {"t", test.t ? Json(*test.t) : Json()},
          {"p", test.p ? Json(*test.p) : Json()},
          {"p_holm", Json()}};
}

void add_holm(const std::vector<Json*>& tests) {
  std::vector<double> p;
  std::vector<Json*> tested;
  for (auto* test : tests) {
    if (test->is_object() && test->at("p").is_number()) {
      p.push_back(test->at("p").get<double>());
      tested.push_back(test);
    }
  }
  const auto corrected = holm(p);
  for (size_t i = 0; i < tested.size(); ++i) {
    tested[i]->at("p_holm") = corrected[i];
  }
}

}  // namespace moe

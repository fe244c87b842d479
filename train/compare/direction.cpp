#include "train/compare/direction.h"

#include "train/compare/metric_series.h"

namespace moe {

std::optional<bool> higher_is_better(const std::vector<Variant>& variants, const std::string& metric) {
  if (is_eval_metric(metric)) {
    const auto name = metric.substr(metric.find('.') + 1);
    for (const auto& variant : variants) {
      for (const auto& run : variant.runs) {
        for (const auto& [step, record] : run.evals) {
          if (const auto task = record.tasks.find(name); task != record.tasks.end()) {
            return task->second.higher_is_better;
          }
        }
      }
    }
    return std::nullopt;
  }
  const bool loss = metric == "bits_per_byte" || metric == "loss" || metric.rfind("objectives.", 0) == 0 ||
                    metric.rfind("sources.", 0) == 0;
  return loss ? std::optional(false) : std::nullopt;
}

}  // namespace moe

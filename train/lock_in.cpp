#include "train/lock_in.h"

#include <algorithm>

#include "train/diagnose/rows.h"
#include "train/diagnose/rules.h"
#include "train/format.h"
#include "train/schedule.h"

namespace moe {
namespace {

std::string sentence(const LayerDiagnosis& layer, int64_t step, const FoundFigure& decided) {
  auto level = decided.level;  // "inner." -> "inner "
  std::replace(level.begin(), level.end(), '.', ' ');
  const bool idle = layer_figure(layer, "slots_per_expert") == 0;
  return format("layer %lld has locked in at step %lld: %.0f %% of its ",
                static_cast<long long>(layer.layer), static_cast<long long>(step),
                100 * decided.value) +
         level + "selectors' bits are decided, and " +
         (idle ? "no expert has a token"
               : format("the busiest expert has %.1f times the fair share", 1 + layer.load.max_vio)) +
         ". Decided bits have no gradient, so more training does not mend it; moe-diagnose says what "
         "to try";
}

}  // namespace

std::vector<std::string> LockInWatch::news(const Json& row) {
  std::vector<std::string> sentences;
  if (!config_.model.moe) {
    return sentences;
  }
  const auto& rule = diagnose_rule("locked_in");
  const auto step = row.at("step").get<int64_t>();
  const double progress = share_done(step, config_.train.steps);
  for (const auto& layer : pool_rows({row}, config_)) {
    for (const auto& decided : figures_called(layer, rule.figure)) {
      if (decided.value > rule.threshold && rule.applies(layer, progress) &&
          named_.insert(layer.layer).second) {
        sentences.push_back(sentence(layer, step, decided));
      }
    }
  }
  return sentences;
}

}  // namespace moe

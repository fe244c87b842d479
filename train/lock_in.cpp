#include "train/lock_in.h"

#include <array>
#include <cstdio>

#include "train/diagnose/rows.h"
#include "train/diagnose/rules.h"
#include "train/schedule.h"

namespace moe {

std::vector<std::string> LockInWatch::news(const Json& row) {
  std::vector<std::string> sentences;
  if (!config_.model.moe) {
    return sentences;
  }
  const auto& rule = diagnose_rule("locked_in");
  const auto step = row.at("step").get<int64_t>();
  for (const auto& layer : pool_rows({row}, config_.model)) {
    const auto decided = layer_figure(layer, rule.figure);
    if (!decided || !(*decided > rule.threshold) ||
        !rule.applies(layer, share_done(step, config_.train.steps)) ||
        !named_.insert(layer.layer).second) {
      continue;
    }
    std::array<char, 160> text;
    std::snprintf(text.data(), text.size(),
                  "layer %lld has locked in at step %lld: %.0f %% of its selectors' bits are decided, and the "
                  "busiest expert has %.1f times the fair share. ",
                  static_cast<long long>(layer.layer), static_cast<long long>(step), 100 * *decided,
                  1 + layer.load.max_vio);
    sentences.push_back(text.data() + std::string("Decided bits have no gradient, so more training does "
                                                  "not mend it; moe-diagnose says what to try"));
  }
  return sentences;
}

}  // namespace moe

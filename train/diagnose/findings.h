// The rules of train/diagnose/rules.h applied to what was measured.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "train/diagnose/rules.h"
#include "train/run_config.h"

namespace moe {

struct Finding {
  std::string name;  // of its rule
  Severity severity = Severity::kNote;
  std::optional<int64_t> layer;  // none: of the whole run
  std::string figure;
  double value = 0, threshold = 0;
  std::vector<int64_t> experts;  // those it is about, where it is about some
  std::string means;
  std::vector<std::string> advice;  // with the keys that this config has, and their values
};

// In the order of the rules, then of the layers. `progress` is the share of the run that was done.
std::vector<Finding> find_faults(const std::vector<LayerDiagnosis>& layers, double progress,
                                 const RunConfig& config);

// Of the whole run rather than of a layer, with a figure that no layer has. Requires such a rule.
Finding finding_of_run(const std::string& rule_name, const std::string& figure, double value,
                       const RunConfig& config);

// "layer 1: dead_experts is 2, above 0 (experts 1, 3)".
std::string finding_text(const Finding& finding);

// Whether there is a fault or a warning.
bool healthy(const std::vector<Finding>& findings);

Json finding_json(const Finding& finding);

}  // namespace moe

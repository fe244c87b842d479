// What moe-diagnose calls a fault: the one table of names, figures, thresholds and remedies, which
// docs/diagnostics.md repeats.
#pragma once

#include <string>
#include <vector>

#include "train/diagnose/layer.h"

namespace moe {

// A fault does not mend itself; a warning costs quality or compute; a note is for reading the rest.
enum class Severity { kFault, kWarning, kNote };
const char* severity_name(Severity severity);  // "fault", "warning", "note"

struct Advice {
  const char* what;  // "raise", "lower", or a sentence where there is no key
  const char* key;   // full key of the config; shown where the run's config has it
};

struct DiagnoseRule {
  const char* name;
  Severity severity;
  // For figures_called(), or of the whole run; the rule holds where one is above the threshold.
  const char* figure;
  double threshold;
  const char* only;  // a further condition in words, or ""
  bool (*applies)(const LayerDiagnosis& layer, double progress);  // that condition
  const char* means;
  std::vector<Advice> advice;
};

const std::vector<DiagnoseRule>& diagnose_rules();

// The rule of this name. Requires that there is one.
const DiagnoseRule& diagnose_rule(const std::string& name);

}  // namespace moe

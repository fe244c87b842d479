#include "train/diagnose/text.h"

#include <algorithm>
#include <cmath>

#include "configs/suggest.h"
#include "data/printable.h"
#include "train/diagnose/convergence_table.h"
#include "train/diagnose/routing_text.h"
#include "train/diagnose/words.h"
#include "train/load_bars.h"

namespace moe {
namespace {

constexpr size_t kBars = 32;
constexpr size_t kMostLayersNamed = 8;

int64_t count_of(const std::vector<Finding>& findings, Severity severity) {
  return std::count_if(findings.begin(), findings.end(),
                       [&](const Finding& finding) { return finding.severity == severity; });
}

struct Column {
  const char* head;
  const char* figure;
  const char* format;
};
constexpr Column kColumns[] = {{"max_vio", "max_vio", "%.2f"},
                               {"batch", "max_vio_batch", "%.2f"},
                               {"cv", "load_cv", "%.2f"},
                               {"dead", "dead_experts", "%.0f"},
                               {"starving", "starving_experts", "%.0f"},
                               {"entropy", "entropy", "%.2f"},
                               {"of log E", "entropy_share", "%.2f"},
                               {"slots", "slots_per_token", "%.2f"},
                               {"empty", "empty_tokens", "%.4f"},
                               {"dropped", "dropped", "%.4f"}};

}  // namespace

std::string diagnosis_head(const Diagnosis& diagnosis) {
  const auto step = std::to_string(diagnosis.step);
  const auto steps = std::to_string(diagnosis.config.train.steps);
  std::string text;
  if (diagnosis.checkpoint.empty()) {
    text = printable(diagnosis.path) + ": " +
           plural(diagnosis.rows, "logged step") + " pooled, " +
           std::to_string(diagnosis.first_step) + " to " + step + " of " + steps;
    if (diagnosis.judged < diagnosis.rows) {
      text += "; findings are about the last " + std::to_string(diagnosis.judged) + " of them";
    }
  } else {
    text = printable(diagnosis.checkpoint) + ": step " + step + " of " + steps;
    text += ", routing " + plural(diagnosis.tokens, "token") + " of " + diagnosis.text;
  }
  const auto loss = "loss " + figure_text("%.4f", diagnosis.loss);
  const auto& moe = diagnosis.config.model.moe;
  if (!moe) return text + "\n" + loss;
  std::vector<std::string> kinds;
  for (const auto& layer : diagnosis.layers) {
    const auto kind = layer.gate_kind + " (k " + std::to_string(layer.k) + ")";
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) kinds.push_back(kind);
  }
  return text + "\ngate " + join(kinds) + ", " + plural(moe->experts, "expert") + ", " + loss;
}

TextTable layer_table(const Diagnosis& diagnosis, size_t bars) {
  TextTable table{{"layer"}, {}};
  if (bars > 0) table.head.push_back("load");
  for (const auto& column : kColumns) table.head.push_back(column.head);
  for (const auto& layer : diagnosis.layers) {
    TextTable::Row row = {std::to_string(layer.layer)};
    if (bars > 0) row.push_back("|" + load_bars(layer.load.tokens_per_expert, bars) + "|");
    for (const auto& column : kColumns) {
      row.push_back(figure_text(column.format, layer_figure(layer, column.figure).value_or(NAN)));
    }
    table.rows.push_back(std::move(row));
  }
  // A gate's own figures at the end: a column each, of any layer.
  std::vector<std::string> names;
  for (const auto& layer : diagnosis.layers) {
    for (const auto& [name, value] : layer.load.gate) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  for (const auto& name : names) {
    table.head.push_back(printable(name));
    for (size_t i = 0; i < table.rows.size(); ++i) {
      table.rows[i].push_back(figure_text(
          "%.3f", layer_figure(diagnosis.layers[i], "gate." + name).value_or(NAN)));
    }
  }
  return table;
}

std::string verdict(const Diagnosis& diagnosis) {
  const auto& findings = diagnosis.findings;
  if (!diagnosis.config.model.moe && findings.empty()) {
    return "a dense model: no experts, nothing to diagnose";
  }
  if (healthy(findings)) {
    return "healthy: none of " + std::to_string(diagnose_rules().size()) +
           " rules found a fault or a reason to warn";
  }
  const auto faults = count_of(findings, Severity::kFault);
  const auto warnings = count_of(findings, Severity::kWarning);
  return (faults > 0 ? plural(faults, "fault") : "") + (faults > 0 && warnings > 0 ? ", " : "") +
         (warnings > 0 ? plural(warnings, "warning") : "");
}

std::vector<FindingGroup> findings_by_name(const std::vector<Finding>& findings) {
  std::vector<FindingGroup> groups;
  for (size_t i = 0; i < findings.size();) {
    size_t end = i;
    while (end < findings.size() && findings[end].name == findings[i].name) ++end;
    FindingGroup group{std::string(severity_name(findings[i].severity)) + " " + findings[i].name,
                       {}, findings[i].means, findings[i].advice};
    for (size_t j = i; j < std::min(end, i + kMostLayersNamed); ++j) {
      group.found.push_back(finding_text(findings[j]));
    }
    if (end - i > kMostLayersNamed) {
      group.found.push_back("and " + plural(static_cast<int64_t>(end - i - kMostLayersNamed), "layer") +
                            " more");
    }
    groups.push_back(std::move(group));
    i = end;
  }
  return groups;
}

std::string diagnosis_text(const Diagnosis& diagnosis) {
  std::string text = diagnosis_head(diagnosis) + "\n";
  if (!diagnosis.layers.empty()) {
    text += "\n" + layer_table(diagnosis, kBars).plain();
    if (diagnosis.layers.front().limited) {
      text += "dropped: with the capacity that training has; all else drops nothing\n";
    }
    text += routing_text(diagnosis);
  }
  if (const auto table = convergence_table(diagnosis); !table.rows.empty()) {
    text += "\nshare of the tokens by live slots, and weight on the top one\n" + table.plain();
  }
  text += "\n" + verdict(diagnosis) + "\n";
  for (const auto& group : findings_by_name(diagnosis.findings)) {
    text += "\n" + group.title + "\n";
    for (const auto& found : group.found) text += "  " + found + "\n";
    text += "  " + group.means + "\n";
    for (const auto& advice : group.advice) text += "  try: " + advice + "\n";
  }
  for (const auto& failed : diagnosis.failed) text += "\n--fail-on " + tripped_text(failed);
  return text + (diagnosis.failed.empty() ? "" : "\n");
}

}  // namespace moe

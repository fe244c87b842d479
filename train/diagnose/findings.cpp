#include "train/diagnose/findings.h"

#include <algorithm>

#include "data/printable.h"
#include "train/diagnose/keys.h"
#include "train/format.h"

namespace moe {
namespace {

constexpr size_t kMostNamed = 16;

// The advice whose keys the config has, for a gate with this prefix.
std::vector<std::string> advice_of(const DiagnoseRule& rule, const ConfigValues& values,
                                   const std::string& prefix) {
  const std::string any_gate = "model.moe.gate.";
  std::vector<std::string> texts;
  for (const auto& [what, rule_key] : rule.advice) {
    std::string key = rule_key;
    if (key.rfind(any_gate, 0) == 0) key = prefix + key.substr(any_gate.size());
    if (key.empty()) {
      texts.push_back(what);
    } else if (const auto found = values.find(key); found != values.end()) {
      texts.push_back(std::string(what) + " " + key + " (now " + printable(found->second) + ")");
    }
  }
  return texts;
}

Finding finding_of(const DiagnoseRule& rule, double value) {
  Finding finding;
  finding.name = rule.name;
  finding.severity = rule.severity;
  finding.value = value;
  finding.threshold = rule.threshold;
  finding.means = rule.means;
  return finding;
}

std::vector<int64_t> busiest(const LayerDiagnosis& layer) {
  std::vector<int64_t> experts(layer.load.tokens_per_expert.size());
  for (size_t e = 0; e < experts.size(); ++e) experts[e] = static_cast<int64_t>(e);
  std::stable_sort(experts.begin(), experts.end(), [&](int64_t a, int64_t b) {
    return layer.load.tokens_per_expert[static_cast<size_t>(a)] >
           layer.load.tokens_per_expert[static_cast<size_t>(b)];
  });
  experts.resize(std::min(experts.size(), static_cast<size_t>(layer.k)));
  return experts;
}

std::vector<int64_t> experts_of(const std::string& rule, const LayerDiagnosis& layer) {
  if (rule == "dead_experts") return layer.dead();
  if (rule == "starving_experts") return layer.starving();
  if (rule == "collapsed_gate") return busiest(layer);
  return {};
}

}  // namespace

std::vector<Finding> find_faults(const std::vector<LayerDiagnosis>& layers, double progress,
                                 const RunConfig& config) {
  const auto values = config_values(config);
  std::vector<Finding> findings;
  for (const auto& rule : diagnose_rules()) {
    for (const auto& layer : layers) {
      for (const auto& figure : figures_called(layer, rule.figure)) {
        if (!(figure.value > rule.threshold) || !rule.applies(layer, progress)) continue;
        auto finding = finding_of(rule, figure.value);
        finding.figure = figure.name;
        finding.advice =
            advice_of(rule, values, gate_prefix(*config.model.moe, layer.layer) + figure.level);
        finding.layer = layer.layer;
        finding.experts = experts_of(rule.name, layer);
        findings.push_back(std::move(finding));
      }
    }
  }
  return findings;
}

Finding finding_of_run(const std::string& rule_name, const std::string& figure, double value,
                       const RunConfig& config) {
  const auto& rule = diagnose_rule(rule_name);
  auto finding = finding_of(rule, value);
  finding.advice = advice_of(rule, config_values(config), "model.moe.gate.");
  finding.figure = figure;
  return finding;
}

std::string finding_text(const Finding& finding) {
  std::string text = finding.layer ? "layer " + std::to_string(*finding.layer) : "the run";
  text += ": " + printable(finding.figure) +
          format(" is %.4g, above %.4g", finding.value, finding.threshold);
  const auto& experts = finding.experts;
  for (size_t i = 0; i < std::min(experts.size(), kMostNamed); ++i) {
    text += (i > 0 ? ", " : experts.size() > 1 ? " (experts " : " (expert ") +
            std::to_string(experts[i]);
  }
  if (experts.size() > kMostNamed) {
    text += " and " + std::to_string(experts.size() - kMostNamed) + " more";
  }
  return text + (experts.empty() ? "" : ")");
}

bool healthy(const std::vector<Finding>& findings) {
  return std::all_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.severity == Severity::kNote;
  });
}

Json finding_json(const Finding& finding) {
  return {{"name", finding.name},
          {"severity", severity_name(finding.severity)},
          {"layer", finding.layer ? Json(*finding.layer) : Json()},
          {"figure", finding.figure},
          {"value", finding.value},
          {"threshold", finding.threshold},
          {"experts", finding.experts},
          {"means", finding.means},
          {"try", finding.advice}};
}

}  // namespace moe

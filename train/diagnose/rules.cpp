#include "train/diagnose/rules.h"

#include <algorithm>

namespace moe {
namespace {

constexpr double kTooFewSlots = 20;      // of an expert, on average
constexpr double kMostConcentration = 0.5;
constexpr double kMostSkew = 2;
constexpr double kLate = 0.75;           // share of the run
constexpr double kSparse = 1.1;          // slots_per_k: a sparse gate has 1, or a little less

bool always(const LayerDiagnosis&, double) { return true; }

// With fewer slots an expert can be without a token, or the busiest one, by chance.
bool enough_text(const LayerDiagnosis& layer, double) {
  return layer_figure(layer, "slots_per_expert") >= kTooFewSlots;
}

// A layer without any slot has none to count: its text is judged by the slots that were due.
bool enough_text_or_idle(const LayerDiagnosis& layer, double progress) {
  const double due =
      layer.tokens * static_cast<double>(layer.k) / static_cast<double>(layer.experts);
  return enough_text(layer, progress) ||
         (layer_figure(layer, "slots_per_expert") == 0 && due >= kTooFewSlots);
}

bool too_little_text(const LayerDiagnosis& layer, double progress) {
  const auto slots = layer_figure(layer, "slots_per_expert");
  return slots > 0 && !enough_text(layer, progress);
}

bool none_dropped(const LayerDiagnosis& layer, double) { return layer.load.dropped == 0; }

bool late(const LayerDiagnosis&, double progress) { return progress >= kLate; }

// Before, selectors that agree do no harm, and what parts them would keep the gate dense for longer.
bool sparse(const LayerDiagnosis& layer, double) {
  return layer_figure(layer, "slots_per_k") <= kSparse;
}

bool badly_loaded(const LayerDiagnosis& layer, double progress) {
  return enough_text_or_idle(layer, progress) &&
         (layer_figure(layer, "concentration") > kMostConcentration ||
          layer_figure(layer, "max_vio") > kMostSkew || layer.load.dead_experts > 0);
}

const std::vector<Advice> kBalance = {{"raise", "model.moe.gate.load_balancing"},
                                      {"raise", "model.moe.gate.z_loss"},
                                      {"raise", "model.moe.gate.jitter"},
                                      {"raise", "model.moe.gate.gamma"},
                                      {"lower", "model.moe.gate.entropy"},
                                      {"raise", "model.moe.gate.entropy_from"},
                                      {"lower", "schedule.lr"},
                                      {"raise", "schedule.warmup"},
                                      {"another", "model.moe.gate.kind"}};

}  // namespace

const char* severity_name(Severity severity) {
  switch (severity) {
    case Severity::kFault: return "fault";
    case Severity::kWarning: return "warning";
    case Severity::kNote: return "note";
  }
  return "";
}

const std::vector<DiagnoseRule>& diagnose_rules() {
  static const std::vector<DiagnoseRule> rules = {
      {"not_finite", Severity::kFault, "unusable_batches", 0, "", always,
       "A figure was not a number: the model has diverged, or the file was damaged.",
       {{"lower", "schedule.lr"},
        {"raise", "schedule.warmup"},
        {"lower", "optimizer.clip"},
        {"set to fp32", "train.dtype"},
        {"set to rollback", "train.on_nonfinite"},
        {"go back to an older checkpoint", ""}}},
      {"dead_experts", Severity::kFault, "dead_experts", 0,
       "at least 20 slots an expert, or none where as many were due", enough_text_or_idle,
       "An expert without tokens gets no gradient and stays as it is: its parameters are paid for "
       "and do nothing.",
       kBalance},
      {"collapsed_gate", Severity::kFault, "concentration", kMostConcentration,
       "at least 20 slots an expert", enough_text,
       "Nearly all load is on k experts: the layer is a dense one of their width.", kBalance},
      {"locked_in", Severity::kFault, "gate.saturated_bits", 0.95,
       "with dead experts, a collapsed gate or a skewed load", badly_loaded,
       "Saturated bits have no gradient, from the task or from the entropy term: this load stays "
       "as it is, so train again.",
       {{"raise", "model.moe.gate.init_scale"},
        {"raise", "model.moe.gate.load_balancing"},
        {"raise", "model.moe.gate.collision"},
        {"raise", "model.moe.gate.gamma"},
        {"lower", "model.moe.gate.entropy"},
        {"raise", "model.moe.gate.entropy_from"},
        {"raise", "model.moe.gate.entropy_until"},
        {"lower", "schedule.lr"}}},
      {"loss_spikes", Severity::kWarning, "spikes", 0, "", always,
       "Steps were left out because their loss was far above the recent ones: training is near its "
       "edge, or train.spike is too strict.",
       {{"lower", "schedule.lr"},
        {"raise", "schedule.warmup"},
        {"lower", "optimizer.clip"},
        {"raise", "train.spike"}}},
      {"starving_experts", Severity::kWarning, "starving_experts", 0,
       "at least 20 slots an expert", enough_text,
       "An expert with less than a tenth of the fair share learns too little to be chosen more "
       "often.",
       kBalance},
      {"load_skew", Severity::kWarning, "max_vio", kMostSkew, "at least 20 slots an expert",
       enough_text,
       "The busiest expert has over three times the fair share: with one expert a device all "
       "others wait for it, and with a capacity it drops tokens.",
       kBalance},
      {"overflow", Severity::kWarning, "dropped", 0.05, "", always,
       "Choices were lost because their expert was full: those tokens pass the layer by.",
       {{"raise", "model.moe.gate.capacity_factor"},
        {"raise", "model.moe.gate.load_balancing"},
        {"mixtral or top_k, which drop nothing, for", "model.moe.gate.kind"}}},
      {"unserved_tokens", Severity::kWarning, "empty_tokens", 0.01, "where no capacity dropped them",
       none_dropped,
       "Tokens that no expert sees: the gate gave all its weight to codes without an expert, its "
       "weights are all zero, or experts choose and none chose them.",
       {{"a power of two as model.moe.experts, or raise", "model.moe.gate.reachability"},
        {"another", "model.moe.gate.kind"}}},
      {"not_sparse", Severity::kWarning, "slots_per_k", 1.5, "from 75 % of the steps on", late,
       "A gate that starts dense and is to become sparse has not: every token pays for more than "
       "k experts.",
       {{"raise", "model.moe.gate.entropy"},
        {"lower", "model.moe.gate.entropy_until"},
        {"lower", "model.moe.gate.gamma"},
        {"raise", "train.steps"}}},
      {"coincident_selectors", Severity::kNote, "gate.coincident_selectors", 0.5,
       "up to 1.1 slots_per_k", sparse,
       "Selectors of one token mostly choose the same expert, so it gets fewer than k of them.",
       {{"raise", "model.moe.gate.collision"},
        {"raise", "model.moe.gate.init_scale"},
        {"lower", "model.moe.gate.entropy"},
        {"raise", "model.moe.gate.entropy_from"},
        {"raise", "model.moe.gate.gamma"}}},
      {"future_leak", Severity::kNote, "leaking_layers", 0, "", always,
       "A gate looks at later tokens (model.moe.allow_future_leak): losses may profit from what they "
       "should predict, so do not compare them with a causal gate's.",
       {{"one that is causal (docs/gates.md) for", "model.moe.gate.kind"}}},
      {"too_little_text", Severity::kNote, "slots_per_expert", 0, "below 20 slots an expert",
       too_little_text,
       "Too few tokens to tell a dead expert or a skewed load from chance.",
       {{"route more text: --tokens N, or --data FILE", ""}}},
  };
  return rules;
}

const DiagnoseRule& diagnose_rule(const std::string& name) {
  return *std::find_if(diagnose_rules().begin(), diagnose_rules().end(),
                       [&](const auto& rule) { return rule.name == name; });
}

}  // namespace moe

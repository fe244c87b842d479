#include "train/diagnose/diagnose.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "configs/errors.h"
#include "data/printable.h"
#include "train/diagnose/rows.h"
#include "train/compare/run_record.h"
#include "train/gate_notes.h"
#include "train/schedule.h"

namespace moe {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostReadTokens = 1000000000;
constexpr int64_t kFewestJudged = 10;  // logged steps
constexpr const char* kBadLosses = "losses that are no numbers";

// A checkpoint, and a run's folder of which only the checkpoints are left.
bool holds_only_checkpoints(const std::string& path) {
  return !fs::exists(path + "/config.yaml") &&
         (fs::exists(path + "/manifest.json") || fs::exists(path + "/checkpoints"));
}

// What the run does now: a short run's last 100 logged steps hold its beginning too, when a gate that
// becomes sparse was dense, and an expert that has died since still had tokens.
std::vector<LayerDiagnosis> recent_layers(const std::vector<Json>& pooled,
                                          const Diagnosis& diagnosis) {
  if (!diagnosis.config.model.moe) return {};
  auto recent = pool_rows(last_train_rows(pooled, static_cast<size_t>(diagnosis.judged)),
                          diagnosis.config);
  for (auto& layer : recent) {
    for (const auto& all : diagnosis.layers) {
      if (all.layer == layer.layer) layer.unusable = all.unusable;
    }
  }
  return recent;
}

// How far this counter of train/bad_steps.h rose over these rows; from 0 where they are the run's
// first, since before them there was no row to count in.
double rise_of(const std::vector<Json>& rows, const char* counter, const RunConfig& config) {
  const auto at = [&](const Json& row) {
    const auto counters = row.find("bad_steps");
    return counters != row.end() && counters->is_object() ? number_in(*counters, counter) : NAN;
  };
  const bool from_start = rows.front().at("step").get<int64_t>() <= config.log.every;
  const double rise = at(rows.back()) - (from_start ? 0 : at(rows.front()));
  return std::isfinite(rise) ? std::max(0.0, rise) : 0;
}

// What went wrong with whole steps. A step that was left out has a loss and a gradient only where it
// was logged, so its counter is looked at too.
std::vector<Finding> step_findings(const std::vector<Json>& pooled, const RunConfig& config) {
  double losses = 0, gradients = 0;
  for (const auto& row : pooled) {
    losses += std::isfinite(number_in(row, "loss")) ? 0 : 1;
    gradients += !row.contains("grad_norm") || std::isfinite(number_in(row, "grad_norm")) ? 0 : 1;
  }
  std::vector<Finding> findings;
  const auto add = [&](const char* rule, const char* figure, double value) {
    if (value > 0) findings.push_back(finding_of_run(rule, figure, value, config));
  };
  add("not_finite", kBadLosses, losses);
  add("not_finite", "gradient norms that are no numbers", gradients);
  add("not_finite", "steps that were not finite", rise_of(pooled, "nonfinite", config));
  add("loss_spikes", "spikes", rise_of(pooled, "spikes", config));
  return findings;
}

void add_future_leak(Diagnosis& diagnosis) {
  if (const auto layers = leaking_layers(diagnosis.config.model); layers > 0) {
    diagnosis.findings.push_back(finding_of_run("future_leak", "layers that look ahead",
                                                static_cast<double>(layers), diagnosis.config));
  }
}

Diagnosis of_checkpoint(const DiagnoseOptions& options) {
  RouteOptions route;
  route.data = options.data;
  route.tokens = options.tokens.value_or(route.tokens);
  route.against = options.against;
  route.ranks = options.ranks.value_or(0);
  route.dump = options.dump;
  const auto routed = route_text(options.path, route);
  Diagnosis diagnosis;
  diagnosis.path = options.path;
  diagnosis.checkpoint = routed.checkpoint;
  diagnosis.config = routed.config;
  diagnosis.against = routed.against;
  diagnosis.against_step = routed.against_step;
  diagnosis.text = routed.text;
  diagnosis.tokens = routed.tokens;
  diagnosis.step = routed.step;
  diagnosis.loss = routed.loss;
  diagnosis.layers = routed.layers;
  diagnosis.findings =
      find_faults(routed.layers, share_done(routed.step, routed.config.train.steps), routed.config);
  if (!std::isfinite(routed.loss)) {
    diagnosis.findings.insert(diagnosis.findings.begin(),
                              finding_of_run("not_finite", kBadLosses, 1, routed.config));
  }
  add_future_leak(diagnosis);
  return diagnosis;
}

Diagnosis of_run(const DiagnoseOptions& options) {
  auto folder = options.path;
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  if (!fs::exists(folder + "/config.yaml")) {
    const char* there = fs::exists(folder) ? "neither" : "nothing";
    throw RunError(in_quotes(options.path) +
                   ": expected a run's folder (with config.yaml) or a checkpoint's (with "
                   "manifest.json), found " + there +
                   "; runs lie in runs/ unless run.dir said otherwise");
  }
  const auto config = read_run_config(folder);
  check_ranks(options.ranks.value_or(0), config, options.path);
  RunHistory history;
  std::vector<Json> last;  // all rows as trees would take several times the file
  each_run_row(folder, [&](Json& row) {
    history.add(row);
    if (row.at("split") != "train") return;
    last.push_back(std::move(row));
    if (last.size() > kPooledRows) last.erase(last.begin());
  });
  auto diagnosis = diagnose_rows(folder, config, last);
  if (diagnosis.rows == 0) {
    throw RunError(in_quotes(folder + "/metrics.jsonl") +
                   ": expected rows of training, found none: " +
                   (config.train.steps == 0 ? "the run takes no step (train.steps is 0); "
                                            : "the run has only just begun; wait for the first (--watch does), or ") +
                   "route text through its checkpoint with --tokens N");
  }
  if (config.model.moe && diagnosis.layers.empty()) {
    throw RunError(in_quotes(folder + "/metrics.jsonl") +
                   ": expected `moe` with the load of every layer in rows of training, found none; "
                   "route text through its checkpoint with --tokens N");
  }
  if (options.ranks && config.model.moe) add_ranks(last, *options.ranks, diagnosis.layers);
  diagnosis.history = std::move(history);
  return diagnosis;
}

}  // namespace

Diagnosis diagnose_rows(const std::string& folder, const RunConfig& config,
                        const std::vector<Json>& rows) {
  Diagnosis diagnosis;
  diagnosis.path = folder;
  diagnosis.config = config;
  diagnosis.loss = NAN;
  const auto pooled = last_train_rows(rows, kPooledRows);
  diagnosis.rows = static_cast<int64_t>(pooled.size());
  if (pooled.empty()) return diagnosis;
  diagnosis.judged = std::min(diagnosis.rows, std::max(kFewestJudged, diagnosis.rows / 10));
  diagnosis.first_step = pooled.front().at("step");
  diagnosis.step = pooled.back().at("step");
  double sum = 0;
  int64_t numbers = 0;
  for (const auto& row : pooled) {
    if (const double loss = number_in(row, "loss"); std::isfinite(loss)) {
      sum += loss;
      ++numbers;
    }
  }
  if (numbers > 0) diagnosis.loss = sum / static_cast<double>(numbers);
  if (config.model.moe) diagnosis.layers = pool_rows(pooled, config);
  diagnosis.findings = step_findings(pooled, config);
  const auto of_layers = find_faults(recent_layers(pooled, diagnosis),
                                     share_done(diagnosis.step, config.train.steps), config);
  diagnosis.findings.insert(diagnosis.findings.end(), of_layers.begin(), of_layers.end());
  add_future_leak(diagnosis);
  return diagnosis;
}

Diagnosis diagnose(const DiagnoseOptions& options) {
  if (options.tokens && (*options.tokens < 1 || *options.tokens > kMostReadTokens)) {
    throw ConfigError("--tokens: expected an integer from 1 to 1000000000, found " +
                      std::to_string(*options.tokens));
  }
  if (options.ranks && *options.ranks < 1) {
    throw ConfigError("--ranks: expected an integer of at least 1, found " +
                      std::to_string(*options.ranks));
  }
  const bool route = !options.data.empty() || options.tokens || !options.against.empty() ||
                     !options.dump.empty() || holds_only_checkpoints(options.path);
  auto diagnosis = route ? of_checkpoint(options) : of_run(options);
  if (!options.conditions.empty() && !diagnosis.config.model.moe) {
    throw ConfigError("--fail-on: " + in_quotes(options.conditions.front().figure) + ": " +
                      in_quotes(options.path) +
                      " is of a dense model (model.moe is none), which has no gate and no such "
                      "figure: leave --fail-on out for it");
  }
  diagnosis.failed = tripped(options.conditions, diagnosis.layers);
  return diagnosis;
}

Json diagnosis_json(const Diagnosis& diagnosis) {
  const bool routed = !diagnosis.checkpoint.empty();
  const auto& moe = diagnosis.config.model.moe;
  Json json = {{"source", routed ? "checkpoint" : "run"},
               {"path", diagnosis.path},
               {"checkpoint", routed ? Json(diagnosis.checkpoint) : Json()},
               {"name", diagnosis.config.run.name},
               {"step", diagnosis.step},
               {"steps", diagnosis.config.train.steps},
               {"rows", routed ? Json() : Json(diagnosis.rows)},
               {"judged", routed ? Json() : Json(diagnosis.judged)},
               {"first_step", routed ? Json() : Json(diagnosis.first_step)},
               {"loss", diagnosis.loss},
               {"against", diagnosis.against.empty() ? Json() : Json(diagnosis.against)},
               {"against_step", diagnosis.against.empty() ? Json() : Json(diagnosis.against_step)},
               {"text", routed ? Json(diagnosis.text) : Json()},
               {"tokens", routed ? Json(diagnosis.tokens) : Json()},
               {"gate", moe ? Json(moe->gate.kind) : Json()},
               {"experts", moe ? Json(moe->experts) : Json()},
               {"layers", Json::array()},
               {"findings", Json::array()},
               {"healthy", healthy(diagnosis.findings)},
               {"failed", Json::array()}};
  for (const auto& layer : diagnosis.layers) json["layers"].push_back(layer_json(layer));
  for (const auto& finding : diagnosis.findings) json["findings"].push_back(finding_json(finding));
  for (const auto& [condition, figure, layer, value] : diagnosis.failed) {
    json["failed"].push_back(
        {{"condition", condition}, {"layer", layer}, {"figure", figure}, {"value", value}});
  }
  return json;
}

}  // namespace moe

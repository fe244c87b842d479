#include "train/diagnose/diagnose.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "configs/errors.h"
#include "data/printable.h"
#include "train/diagnose/rows.h"
#include "train/compare/run_record.h"

namespace moe {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostTokens = 1000000000;
constexpr int64_t kFewestJudged = 10;  // logged steps

double share_done(int64_t step, const RunConfig& config) {
  return static_cast<double>(step) / static_cast<double>(std::max<int64_t>(1, config.train.steps));
}

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
                          diagnosis.config.model);
  for (auto& layer : recent) {
    for (const auto& all : diagnosis.layers) {
      if (all.layer == layer.layer) layer.unusable = all.unusable;
    }
  }
  return recent;
}

Diagnosis of_checkpoint(const DiagnoseOptions& options) {
  RouteOptions route;
  route.data = options.data;
  route.tokens = options.tokens.value_or(route.tokens);
  const auto routed = route_text(options.path, route);
  Diagnosis diagnosis;
  diagnosis.path = options.path;
  diagnosis.checkpoint = routed.checkpoint;
  diagnosis.config = routed.config;
  diagnosis.text = routed.text;
  diagnosis.tokens = routed.tokens;
  diagnosis.step = routed.step;
  diagnosis.loss = routed.loss;
  diagnosis.layers = routed.layers;
  diagnosis.findings =
      find_faults(routed.layers, share_done(routed.step, routed.config), routed.config);
  if (!std::isfinite(routed.loss)) {
    diagnosis.findings.insert(diagnosis.findings.begin(), bad_losses(1, routed.config));
  }
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
  const auto run = read_run(folder);
  auto diagnosis = diagnose_rows(folder, run.config, run.rows);
  if (diagnosis.rows == 0) {
    throw RunError(in_quotes(folder + "/metrics.jsonl") +
                   ": expected rows of training, found none: the run has only just begun; wait for "
                   "the first (--watch does), or route text through its checkpoint with --tokens N");
  }
  if (run.config.model.moe && diagnosis.layers.empty()) {
    throw RunError(in_quotes(folder + "/metrics.jsonl") +
                   ": expected `moe` with the load of every layer in rows of training, found none; "
                   "route text through its checkpoint with --tokens N");
  }
  for (const auto& row : run.rows) diagnosis.history.add(row);
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
  if (config.model.moe) diagnosis.layers = pool_rows(pooled, config.model);
  diagnosis.findings = find_faults(recent_layers(pooled, diagnosis),
                                   share_done(diagnosis.step, config), config);
  if (numbers < diagnosis.rows) {
    diagnosis.findings.insert(diagnosis.findings.begin(),
                              bad_losses(diagnosis.rows - numbers, config));
  }
  return diagnosis;
}

Diagnosis diagnose(const DiagnoseOptions& options) {
  if (options.tokens && (*options.tokens < 1 || *options.tokens > kMostTokens)) {
    throw ConfigError("--tokens: expected an integer from 1 to 1000000000, found " +
                      std::to_string(*options.tokens));
  }
  const bool route =
      !options.data.empty() || options.tokens || holds_only_checkpoints(options.path);
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

// eval.jsonl: what moe-eval found, beside the run that it found it of.
#include "configs/errors.h"
#include "data/formats/metrics_file.h"
#include "data/printable.h"
#include "train/began_with.h"
#include "train/checkpoint.h"
#include "train/eval/eval.h"
#include "train/eval/subject.h"

namespace moe {
namespace {

void require_run(const std::string& checkpoint, const std::string& run) {
  if (!run.empty()) return;
  throw ConfigError(
      "--record: expected a checkpoint below checkpoints/ of a run's folder, where eval.jsonl is kept, found " +
      in_quotes(checkpoint) + ": leave --record out, or keep what --json prints");
}

}  // namespace

Json scores_json(const CheckpointScores& scores) {
  auto tasks = Json::object();
  for (const auto& [name, score] : scores.scores) tasks[name] = score_json(score);
  Json record = {{"step", scores.step},
                 {"checkpoint", printable(scores.checkpoint)},
                 {"settings", scores.settings},
                 {"loss", number_or_null(scores.loss)},
                 {"tasks", std::move(tasks)}};
  for (const auto& [objective, layers] : scores.load) {
    auto list = Json::array();
    for (const auto& [layer, load] : layers) {
      list.push_back({{"layer", layer},
                      {"tokens_per_expert", load.tokens_per_expert},
                      {"max_vio", number_or_null(load.max_vio)},
                      {"slots_per_token", number_or_null(load.slots_per_token)},
                      {"dropped", number_or_null(load.dropped)}});
    }
    record["load"][objective] = std::move(list);
  }
  record["notes"] = scores.notes;
  return record;
}

void record_scores(const CheckpointScores& scores) {
  require_run(scores.checkpoint, scores.run);
  MetricsWriter(scores.run + "/eval.jsonl").append(scores_json(scores));
}

void require_run_of(const std::string& path) {
  const auto checkpoint = find_checkpoint(path);
  require_run(checkpoint, run_of_checkpoint(checkpoint));
}

}  // namespace moe

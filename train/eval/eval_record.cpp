// eval.jsonl: what moe-eval found, beside the run that it found it of.
#include <fcntl.h>
#include <sys/file.h>

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

// Held while a line is written: MetricsWriter cuts off what looks like a killed writer's half of one.
class RecordLock {
 public:
  explicit RecordLock(const std::string& path)
      : file_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666)) {
    // What cannot be opened the writer names; a file system without locks goes without.
    if (file_.descriptor() >= 0) ::flock(file_.descriptor(), LOCK_EX);
  }

 private:
  File file_;
};

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
  const auto path = scores.run + "/eval.jsonl";
  const RecordLock lock(path);
  MetricsWriter(path).append(scores_json(scores));
}

void require_run_of(const std::string& path) {
  const auto checkpoint = find_checkpoint(path);
  require_run(checkpoint, run_of_checkpoint(checkpoint));
}

}  // namespace moe

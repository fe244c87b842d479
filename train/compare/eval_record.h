// A run's eval.jsonl: what moe-eval --record has measured of its checkpoints.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "data/formats/json_text.h"

namespace moe {

struct EvalTask {
  double value = 0;           // NaN where it was not finite
  double standard_error = 0;  // NaN where there is none
  int64_t n = 0;              // items
  bool higher_is_better = true;
  std::string metric;         // of `value`: "accuracy"
  std::vector<double> items;  // the value of each, for paired tests; empty where they were not kept
  Json settings;  // what makes two values comparable: equal settings; of the task files its own alone
};

struct EvalRecord {
  std::map<std::string, EvalTask> tasks;
  Json load = Json::object();  // by objective: a list with `layer`, `tokens_per_expert`, `max_vio`
  std::map<std::string, Json> load_settings;  // by objective: what makes two loads comparable
};

// By step of the checkpoint. Lines of one step are one record: of a task, and of an objective's load, the last
// line that has it counts. Empty without the file. Throws RunError naming file, line and key for what is no record.
std::map<int64_t, EvalRecord> read_evals(const std::string& run_folder);

}  // namespace moe

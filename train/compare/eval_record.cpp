#include "train/compare/eval_record.h"

#include <filesystem>

#include "configs/errors.h"
#include "data/formats/metrics_file.h"
#include "data/printable.h"
#include "train/began_with.h"
#include "train/compare/statistics.h"

namespace moe {
namespace {

// Of the task files that of this task: sums.json's of sums.multiple_choice.
Json settings_of_task(Json settings, const std::string& name) {
  if (settings.is_object() && settings.contains("tasks")) {
    const auto files = settings.at("tasks");
    const auto file = name.substr(0, name.rfind('.'));
    settings["tasks"] = files.is_object() && files.contains(file) ? files.at(file) : Json();
  }
  return settings;
}

// Which tokens were routed: the text, how much of it, and made into rows by which denoisers.
Json settings_of_load(const Json& settings) {
  Json kept = Json::object();
  for (const char* name : {"context", "tokens", "text", "denoisers", "layout", "own"}) {
    if (settings.is_object() && settings.contains(name)) {
      kept[name] = settings.at(name);
    }
  }
  return kept;
}

EvalTask task_of(const Json& task, const Json& settings, const std::string& place) {
  const auto value = task.find("value"), better = task.find("better");
  if (value == task.end() || !(value->is_number() || value->is_null())) {
    throw RunError(place + ".value: expected a number or null, found " +
                   (value == task.end() ? "nothing" : in_quotes(value->dump())));
  }
  if (better == task.end() || (*better != "higher" && *better != "lower")) {
    throw RunError(place + ".better: expected \"higher\" or \"lower\", found " +
                   (better == task.end() ? "nothing" : in_quotes(better->dump())));
  }
  EvalTask read;
  read.value = number_or_nan(task, "value", place);
  read.standard_error = number_or_nan(task, "standard_error", place);
  if (const auto n = task.find("n"); n != task.end() && n->is_number_integer()) {
    read.n = *n;
  }
  read.higher_is_better = *better == "higher";
  if (const auto metric = task.find("metric"); metric != task.end() && metric->is_string()) {
    read.metric = *metric;
  }
  if (const auto items = task.find("items"); items != task.end() && items->is_array()) {
    for (const auto& item : *items) {
      read.items.push_back(item.is_number() ? item.get<double>() : kNan);
    }
  }
  read.settings = settings;
  return read;
}

}  // namespace

std::map<int64_t, EvalRecord> read_evals(const std::string& run_folder) {
  const auto path = run_folder + "/eval.jsonl";
  std::map<int64_t, EvalRecord> records;
  if (!std::filesystem::exists(path)) {
    return records;
  }
  int64_t line = 0;
  each_row(path, [&](Json& row) {
    const auto place = in_quotes(path) + ":" + std::to_string(++line) + ": ";
    const auto step = row.find("step"), tasks = row.find("tasks");
    if (step == row.end() || !step->is_number_integer() || tasks == row.end() || !tasks->is_object()) {
      throw RunError(place + "expected an integer `step` and an object `tasks`, found " + in_quotes(row.dump()) +
                     "; take the line out, or measure again with moe-eval --record");
    }
    const auto settings = row.value("settings", Json());
    auto& record = records[step->get<int64_t>()];
    for (const auto& [name, task] : tasks->items()) {
      record.tasks[name] = task_of(task, settings_of_task(settings, name), place + "tasks." + name);
    }
    if (const auto load = row.find("load"); load != row.end() && load->is_object()) {
      for (const auto& [objective, layers] : load->items()) {
        record.load[objective] = layers;
        record.load_settings[objective] = settings_of_load(settings);
      }
    }
  });
  return records;
}

}  // namespace moe

#include "train/compare/transfer.h"

#include <map>
#include <set>

#include "configs/errors.h"
#include "data/printable.h"
#include "train/compare/statistics.h"
#include "train/compare/test_figures.h"
#include "train/compare/twins.h"

namespace moe {
namespace {

// One task of a variant: by seed, of each of its runs. Runs of one seed count once, by their mean.
using TaskSeeds = std::map<int64_t, std::vector<const EvalTask*>>;

void add_task(const RunRecord& run, const EvalRecord& record, const std::string& name, TaskSeeds& seeds) {
  if (const auto task = record.tasks.find(name); task != record.tasks.end()) {
    seeds[run.config.run.seed].push_back(&task->second);
  }
}

TaskSeeds task_after(const Variant& variant, const std::string& name) {
  TaskSeeds seeds;
  for (const auto& run : variant.runs) {
    if (const auto* record = run.final_evals()) {
      add_task(run, *record, name, seeds);
    }
  }
  return seeds;
}

TaskSeeds task_before(const Variant& variant, const std::string& name) {
  TaskSeeds seeds;
  for (const auto& run : variant.runs) {
    if (run.before && run.final_evals() != nullptr) {
      add_task(run, *run.before, name, seeds);
    }
  }
  return seeds;
}

// Of each seed its runs' mean.
std::vector<double> of_seeds(const TaskSeeds& seeds, double EvalTask::*figure) {
  std::vector<double> values;
  for (const auto& [seed, tasks] : seeds) {
    std::vector<double> of_runs;
    for (const auto* task : tasks) {
      of_runs.push_back(task->*figure);
    }
    values.push_back(mean(of_runs));
  }
  return values;
}

// Each item's mean over seeds; empty unless all have as many.
std::vector<double> mean_items(const TaskSeeds& seeds) {
  if (seeds.empty()) {
    return {};
  }
  std::vector<double> items(seeds.begin()->second.front()->items.size(), 0);
  for (const auto& [seed, tasks] : seeds) {
    for (const auto* task : tasks) {
      if (items.size() != task->items.size()) {
        return {};
      }
      for (size_t i = 0; i < items.size(); ++i) {
        items[i] += task->items[i] / static_cast<double>(seeds.size() * tasks.size());
      }
    }
  }
  return items;
}

// Whether items are the answers to the same questions.
bool same_settings(const TaskSeeds& a, const TaskSeeds& b) {
  const auto& first = a.begin()->second.front()->settings;
  for (const auto* seeds : {&a, &b}) {
    for (const auto& [seed, tasks] : *seeds) {
      for (const auto* task : tasks) {
        if (task->settings != first) {
          return false;
        }
      }
    }
  }
  return true;
}

// Of a - b, with what it is over. Neither is empty.
Json paired_figures(const TaskSeeds& a, const TaskSeeds& b) {
  TaskSeeds common_a, common_b;
  for (const auto& [seed, tasks] : a) {
    if (const auto other = b.find(seed); other != b.end()) {
      common_a.emplace(seed, tasks);
      common_b.insert(*other);
    }
  }
  const bool over_seeds = common_a.size() > 1;
  auto left = of_seeds(common_a, &EvalTask::value), right = of_seeds(common_b, &EvalTask::value);
  if (!over_seeds) {
    left = mean_items(a), right = mean_items(b);
    if (left.empty() || left.size() != right.size()) {
      return nullptr;
    }
  }
  Json figures = {{"over", over_seeds ? "seeds" : "items"}};
  figures.update(test_figures(paired_t_test(left, right)));
  return figures;
}

// {`called`, delta, test} of a variant's task against another's values. The change is that of the seeds that the
// test is over; there is none between answers to other questions.
Json against(const TaskSeeds& seeds, const TaskSeeds& others, const char* called) {
  const double other = mean(of_seeds(others, &EvalTask::value));
  if (!others.empty() && !same_settings(seeds, others)) {
    return {{called, number_or_null(other)}, {"delta", nullptr}, {"test", nullptr}};
  }
  const auto test = others.empty() ? Json() : paired_figures(seeds, others);
  const bool over_seeds = !test.is_null() && test.at("over") == "seeds";
  const double delta = over_seeds ? test.at("mean").get<double>() : mean(of_seeds(seeds, &EvalTask::value)) - other;
  return {{called, number_or_null(other)}, {"delta", number_or_null(delta)}, {"test", test}};
}

Json task_figures(const Variant& variant, const Variant* control, const std::string& name) {
  const auto seeds = task_after(variant, name), before = task_before(variant, name);
  const auto& any = *seeds.begin()->second.front();
  const auto values = of_seeds(seeds, &EvalTask::value);
  Json figures = {{"metric", any.metric}, {"better", any.higher_is_better ? "higher" : "lower"}};
  const auto change = against(seeds, before, "before");
  figures["before"] = change.at("before");
  figures["after"] = number_or_null(mean(values));
  figures["sd"] = number_or_null(standard_deviation(values));
  figures["standard_error"] = number_or_null(mean(of_seeds(seeds, &EvalTask::standard_error)));
  figures["n"] = values.size();
  figures["delta"] = change.at("delta");
  figures["test"] = change.at("test");
  const auto others = control == nullptr ? TaskSeeds() : task_after(*control, name);
  figures["control"] = others.empty() ? Json() : against(seeds, others, "after");
  return figures;
}

std::set<std::string> tasks_of(const Variant& variant) {
  std::set<std::string> names;
  for (const auto& run : variant.runs) {
    if (const auto* record = run.final_evals()) {
      for (const auto& [name, task] : record->tasks) {
        names.insert(name);
      }
    }
  }
  return names;
}

void correct_all(Json& rows) {
  std::vector<Json*> before, control;
  for (auto& row : rows) {
    for (auto& [name, task] : row.at("tasks").items()) {
      before.push_back(&task.at("test"));
      if (!task.at("control").is_null()) {
        control.push_back(&task.at("control").at("test"));
      }
    }
  }
  add_holm(before);
  add_holm(control);
}

}  // namespace

std::optional<EvalRecord> evals_before(const RunRecord& run, const std::string& before) {
  if (!run.continued()) {
    return std::nullopt;
  }
  const auto at_step = [&](const std::map<int64_t, EvalRecord>& records) -> std::optional<EvalRecord> {
    const auto found = run.began ? records.find(run.began->step) : records.end();
    return found == records.end() ? std::nullopt : std::optional(found->second);
  };
  if (!before.empty()) {
    const auto records = read_evals(before);
    if (records.empty()) {
      throw RunError("--before: " + in_quotes(before) +
                     ": expected a run's folder with eval.jsonl, found none; moe-eval CHECKPOINT --record makes it");
    }
    const auto found = at_step(records);
    return found ? found : std::optional(records.rbegin()->second);
  }
  for (const auto& folder : run.began ? beginning_folders(*run.began, run.folder) : std::vector<std::string>()) {
    if (auto found = at_step(read_evals(folder))) {
      return found;
    }
  }
  return std::nullopt;
}

Json transfer_figures(const std::vector<Variant>& variants, std::optional<size_t> control) {
  Json rows = Json::array();
  for (size_t i = 0; i < variants.size(); ++i) {
    const auto& variant = variants[i];
    const auto names = tasks_of(variant);
    if (!variant.first().continued() || names.empty()) {
      continue;
    }
    const auto other = control ? control : matched_control(variants, i);
    const auto* held_against = other && *other != i ? &variants[*other] : nullptr;
    Json tasks = Json::object();
    for (const auto& name : names) {
      tasks[name] = task_figures(variant, held_against, name);
    }
    const auto& began = variant.first().began;
    rows.push_back({{"name", variant.name},
                    {"checkpoint", began ? Json(began->checkpoint) : Json()},
                    {"control", held_against == nullptr ? Json() : Json(held_against->name)},
                    {"tasks", tasks}});
  }
  correct_all(rows);
  return rows.empty() ? Json() : rows;
}

}  // namespace moe

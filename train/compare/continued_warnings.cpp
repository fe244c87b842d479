#include "train/compare/continued_warnings.h"

#include <algorithm>
#include <map>
#include <set>

#include "configs/suggest.h"

namespace moe {
namespace {

// "seed (1, 2)" for what two records' settings differ in; what one of them does not have is null.
void add_differing_settings(const Json& a, const Json& b, const std::string& prefix, std::set<std::string>& out) {
  if (!a.is_object() || !b.is_object()) {
    return;
  }
  auto keys = a;
  keys.update(b);
  for (const auto& [key, unused] : keys.items()) {
    const auto left = a.value(key, Json()), right = b.value(key, Json());
    if (left.is_object() && right.is_object()) {
      add_differing_settings(left, right, prefix + key + ".", out);
    } else if (left != right) {
      out.insert(prefix + key + " (" + left.dump() + ", " + right.dump() + ")");
    }
  }
}

std::vector<std::string> differing_settings(const EvalRecord& a, const EvalRecord& b) {
  std::set<std::string> differing;
  for (const auto& [name, task] : a.tasks) {
    if (const auto other = b.tasks.find(name); other != b.tasks.end()) {
      add_differing_settings(task.settings, other->second.settings, "", differing);
    }
  }
  return {differing.begin(), differing.end()};
}

void check_beginning(const RunRecord& run, std::vector<std::string>& out) {
  if (!run.continued()) {
    return;
  }
  if (!run.began) {
    out.push_back(run.name + ": continues " + run.config.init.from +
                  ", and its environment.json does not say what that had cost: its totals are not known");
  }
  const auto* after = run.final_evals();
  if (after == nullptr) {
    return;
  }
  if (!run.before) {
    out.push_back(run.name + ": no record in eval.jsonl of the checkpoint that it began with" +
                  (run.began ? " (" + run.began->checkpoint + ")" : "") +
                  ": moe-eval CHECKPOINT --record makes it, or --before names a run that has it");
    return;
  }
  if (const auto differing = differing_settings(*run.before, *after); !differing.empty()) {
    out.push_back(run.name + ": tasks before and after were measured with other settings: " + join(differing) +
                  "; where they decide on the questions no change is given");
  }
}

// Where a test over seeds could be taken for more than it says.
void check_seeds(const std::vector<Variant>& variants, std::vector<std::string>& out) {
  std::vector<std::string> names;
  for (const auto& variant : variants) {
    const auto& first = variant.first().began;
    const bool of_one = first && std::all_of(variant.runs.begin(), variant.runs.end(), [&](const RunRecord& run) {
                          return run.began && run.began->checkpoint == first->checkpoint;
                        });
    if (of_one && variant.runs.size() > 1) {
      names.push_back(variant.name);
    }
  }
  if (!names.empty()) {
    out.push_back("seeds are of continuations of one checkpoint: " + join(names) +
                  "; p and intervals say nothing of another checkpoint");
  }
}

void check_energy(const std::vector<Variant>& variants, std::vector<std::string>& out) {
  std::map<std::string, std::string> by_kind;  // a run of each
  for (const auto& variant : variants) {
    for (const auto& run : variant.runs) {
      for (const auto& kind : run.energy) {
        by_kind.emplace(kind, run.name);
      }
    }
  }
  std::vector<std::string> kinds;
  for (const auto& [kind, name] : by_kind) {
    kinds.push_back(kind + " (" + name + ")");
  }
  if (kinds.size() > 1) {
    out.push_back("joules are of several kinds: " + join(kinds) + "; no savings are taken of them");
  }
}

}  // namespace

std::vector<std::string> continued_warnings(const std::vector<Variant>& variants) {
  std::vector<std::string> out;
  const RunRecord* first = nullptr;
  for (const auto& variant : variants) {
    for (const auto& run : variant.runs) {
      check_beginning(run, out);
      const auto* evals = run.final_evals();
      if (evals == nullptr) {
        continue;
      }
      if (first == nullptr) {
        first = &run;
      } else if (const auto differing = differing_settings(*first->final_evals(), *evals); !differing.empty()) {
        out.push_back(run.name + ": tasks were measured with other settings than " + first->name + "'s: " +
                      join(differing));
      }
    }
  }
  check_seeds(variants, out);
  check_energy(variants, out);
  return out;
}

}  // namespace moe

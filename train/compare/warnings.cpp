#include "train/compare/warnings.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "configs/suggest.h"
#include "train/compare/continued_warnings.h"
#include "train/compare/measured_on.h"
#include "train/gate_notes.h"

namespace moe {
namespace {

using Texts = std::vector<std::string>;

// "TITLE: dense X, top_k Y; CONSEQUENCE" when not all variants have the same.
void add_if_different(const std::vector<Variant>& variants, const Texts& values,
                      const std::string& title, const std::string& consequence, Texts& out) {
  if (std::set<std::string>(values.begin(), values.end()).size() < 2) {
    return;
  }
  Texts parts;
  for (size_t i = 0; i < variants.size(); ++i) {
    parts.push_back(variants[i].name + " (" + values[i] + ")");
  }
  out.push_back(title + " differ: " + join(parts) + "; " + consequence);
}

void check_runs(const Json& figures, const std::string& metric, Texts& out) {
  for (const auto& variant : figures) {
    std::map<int64_t, int> runs_of_seed;
    for (const auto& run : variant.at("runs")) {
      const std::string name = run.at("name");
      if (run.at("value").is_null()) {
        out.push_back(name + ": has no " + metric + ": left out");
        continue;
      }
      if (!std::isfinite(run.at("value").get<double>())) {
        out.push_back(name + ": " + metric + " is not finite at the end");
      }
      if (!run.at("finished").get<bool>()) {
        out.push_back(name + ": unfinished: step " + run.at("cost").at("step").dump() + " of " +
                      run.at("steps").dump() + ": left out of means and tests, of savings and of equal cost");
        continue;
      }
      ++runs_of_seed[run.at("seed")];
    }
    for (const auto& [seed, count] : runs_of_seed) {
      if (count > 1) {
        out.push_back(variant.at("name").get<std::string>() + ": seed " + std::to_string(seed) +
                      " has " + std::to_string(count) + " runs; they count as one, by their mean");
      }
    }
  }
}

// The keys that decide on what was read, and how much of it was measured.
ConfigLeaves data_keys(const RunRecord& run) {
  ConfigLeaves leaves;
  for (const auto& leaf : run.identity) {
    if (leaf.first.rfind("data.", 0) == 0 || leaf.first == "train.eval_tokens") {
      leaves.push_back(leaf);
    }
  }
  return leaves;
}

void check_names(const std::vector<Variant>& variants, Texts& out) {
  for (size_t i = 0; i < variants.size(); ++i) {
    for (size_t j = i + 1; j < variants.size(); ++j) {
      if (variants[i].full_name == variants[j].full_name) {
        out.push_back(variants[i].full_name +
                      ": runs of this name are not one variant: " + variants[i].first().folder +
                      " and " + variants[j].first().folder + " differ in " +
                      differing_keys(variants[i].first().identity, variants[j].first().identity));
      }
    }
  }
}

}  // namespace

std::vector<std::string> comparison_warnings(const std::vector<Variant>& variants,
                                             const Json& figures, const std::string& metric) {
  Texts out;
  check_runs(figures, metric, out);
  check_names(variants, out);
  Texts steps, tokens, seeds;
  for (size_t i = 0; i < variants.size(); ++i) {
    const auto& first = variants[i].first();
    steps.push_back(std::to_string(first.config.train.steps));
    const auto& reached = figures[i].at("cost").at("tokens");
    tokens.push_back(reached.is_null() ? "none"
                                       : std::to_string(std::llround(reached.get<double>())));
    Texts numbers;
    for (const auto& seed : figures[i].at("seeds")) {
      numbers.push_back(seed.dump());
    }
    seeds.push_back(numbers.empty() ? "none" : join(numbers));
    const auto of_data = differing_keys(data_keys(variants.front().first()), data_keys(first));
    // Within the first one continued_warnings() names the run.
    const auto otherwise = i == 0 ? "" : measured_otherwise(variants.front(), variants[i], metric);
    const auto pair = variants[i].name + ": measured on other data than " + variants.front().name + ": ";
    if (!otherwise.empty()) {
      out.push_back(pair + otherwise + "; the two are not held against each other by " + metric + "; " +
                    measuring_alike());
    } else if (!of_data.empty()) {
      out.push_back(pair + of_data);
    }
    if (const auto note = future_leak_note(first.config.model); !note.empty()) {
      out.push_back(variants[i].name + ": " + note);
    }
  }
  for (auto& warning : continued_warnings(variants)) {
    out.push_back(std::move(warning));
  }
  add_if_different(variants, steps, "steps", "schedules were cut to different lengths", out);
  add_if_different(variants, tokens, "tokens", "quality is not at equal data", out);
  add_if_different(variants, seeds, "seeds", "the paired test takes the common ones", out);
  return out;
}

}  // namespace moe

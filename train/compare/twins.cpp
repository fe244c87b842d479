#include "train/compare/twins.h"

#include <algorithm>
#include <filesystem>
#include <string>

namespace moe {
namespace {

bool under(const std::string& key, const std::string& section) {
  return key == section || key.rfind(section + ".", 0) == 0;
}

// The identity without these sections and keys.
ConfigLeaves identity_without(const RunRecord& run, const std::vector<std::string>& sections) {
  auto leaves = run.identity;
  std::erase_if(leaves, [&](const auto& leaf) {
    return std::any_of(sections.begin(), sections.end(),
                       [&](const std::string& section) { return under(leaf.first, section); });
  });
  return leaves;
}

// The only other variant that is `wanted` and is the same but for these sections.
template <class Wanted>
std::optional<size_t> only_other(const std::vector<Variant>& variants, size_t one,
                                 const std::vector<std::string>& sections, Wanted wanted) {
  const auto identity = identity_without(variants[one].first(), sections);
  std::optional<size_t> found;
  for (size_t i = 0; i < variants.size(); ++i) {
    const auto& run = variants[i].first();
    if (i != one && wanted(run) && identity_without(run, sections) == identity) {
      if (found) {
        return std::nullopt;
      }
      found = i;
    }
  }
  return found;
}

std::string leaf_of(const RunRecord& run, const std::string& key) {
  for (const auto& leaf : run.identity) {
    if (leaf.first == key) {
      return leaf.second;
    }
  }
  return "";
}

bool is_causal(const RunRecord& run) { return leaf_of(run, "objective.kind") == "causal"; }

}  // namespace

std::optional<size_t> dense_twin(const std::vector<Variant>& variants, size_t sparse) {
  const auto& run = variants[sparse].first();
  if (!run.config.model.moe) {
    return std::nullopt;
  }
  std::vector<std::string> sections = {"model.moe", "init"};
  if (run.config.init.upcycle) {
    sections.push_back("model.active_width");
  }
  const auto extra = leaf_of(run, "train.extra_compute");
  if (!extra.empty() && extra != "0") {
    sections.push_back("train.steps");
  }
  return only_other(variants, sparse, sections, [&](const RunRecord& other) {
    return !other.config.model.moe && other.continued() == run.continued();
  });
}

bool begins_with_end_of(const Variant& continued, const Variant& base) {
  const auto is_end = [&](const BeganWith& began, const std::string& folder) {
    return std::any_of(base.runs.begin(), base.runs.end(), [&](const RunRecord& run) {
      std::error_code missing;
      return began.step >= run.config.train.steps && std::filesystem::equivalent(run.folder, folder, missing);
    });
  };
  return std::any_of(continued.runs.begin(), continued.runs.end(), [&](const RunRecord& run) {
    const auto folders = run.began ? beginning_folders(*run.began, run.folder) : std::vector<std::string>();
    return std::any_of(folders.begin(), folders.end(),
                       [&](const std::string& folder) { return is_end(*run.began, folder); });
  });
}

std::optional<size_t> matched_control(const std::vector<Variant>& variants, size_t continued) {
  const auto& run = variants[continued].first();
  if (!run.continued() || is_causal(run)) {
    return std::nullopt;
  }
  return only_other(variants, continued, {"objective"},
                    [](const RunRecord& other) { return other.continued() && is_causal(other); });
}

}  // namespace moe

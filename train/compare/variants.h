// Runs that differ in nothing but the seed are one variant.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "train/compare/run_record.h"

namespace moe {

struct Variant {
  std::string full_name;  // of its runs, without -s<seed>
  std::string name;       // unique; what all variants' names have in common in front is cut off
  std::vector<RunRecord> runs;  // by seed, at least one
  std::vector<RunRecord> copies{};  // of the one run, further ones that are the same checkpoint as it was

  const RunRecord& first() const { return runs.front(); }
};

// In the order of their first runs. A full name that two variants share is replaced by the folders
// of their first runs.
std::vector<Variant> group_runs(std::vector<RunRecord> runs);

// Index of the variant that `word` names: by name, full name, a run's name or a run's folder; none
// where no variant or more than one is meant.
std::optional<size_t> find_variant(const std::vector<Variant>& variants, const std::string& word);

// "model.moe.gate.kind (top_k, dselect_k), train.steps (100, 200)": the keys in which they differ.
std::string differing_keys(const ConfigLeaves& a, const ConfigLeaves& b);

}  // namespace moe

#include "train/compare/variants.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <utility>

#include "configs/suggest.h"

namespace moe {
namespace {

std::string without_seed(const RunRecord& run) {
  const auto suffix = "-s" + std::to_string(run.config.run.seed);
  const bool there = run.name.size() > suffix.size() && run.name.ends_with(suffix);
  return there ? run.name.substr(0, run.name.size() - suffix.size()) : run.name;
}

// Length of what all names begin with, up to and with a '-': "tune-" of tune-a and tune-b. Less
// than any name's length.
size_t common_prefix(const std::vector<Variant>& variants) {
  const auto& first = variants.front().full_name;
  size_t length = first.size() - 1;
  for (const auto& variant : variants) {
    const auto& name = variant.full_name;
    const auto longest = first.begin() + static_cast<int64_t>(std::min(length, name.size() - 1));
    const auto differ = std::mismatch(first.begin(), longest, name.begin());
    length = static_cast<size_t>(differ.first - first.begin());
  }
  const auto dash = length == 0 ? std::string::npos : first.rfind('-', length - 1);
  return dash == std::string::npos ? 0 : dash + 1;
}

// Without a step a continuation is its checkpoint, whatever the seed, unless gates or experts began anew. Of these
// the one that was measured most counts.
void set_copies_apart(Variant& variant) {
  const auto& config = variant.first().config;
  if (config.train.steps != 0 || !config.init.given() || config.init.fresh_gate()) {
    return;
  }
  const auto measured = [](const RunRecord& run) {
    const auto* evals = run.final_evals();
    return std::pair(!run.rows.empty(), evals == nullptr ? 0 : evals->tasks.size());
  };
  const auto most = std::max_element(variant.runs.begin(), variant.runs.end(),
                                     [&](const auto& a, const auto& b) { return measured(a) < measured(b); });
  std::iter_swap(variant.runs.begin(), most);
  std::move(variant.runs.begin() + 1, variant.runs.end(), std::back_inserter(variant.copies));
  variant.runs.resize(1);
}

}  // namespace

std::vector<Variant> group_runs(std::vector<RunRecord> runs) {
  std::vector<Variant> variants;
  for (auto& run : runs) {
    const auto same = std::find_if(variants.begin(), variants.end(), [&](const Variant& variant) {
      return variant.first().identity == run.identity;
    });
    auto& variant = same == variants.end() ? variants.emplace_back() : *same;
    if (variant.runs.empty()) {
      variant.full_name = without_seed(run);
    }
    variant.runs.push_back(std::move(run));
  }
  std::map<std::string, int> uses;
  for (auto& variant : variants) {
    ++uses[variant.full_name];
    std::stable_sort(variant.runs.begin(), variant.runs.end(), [](const auto& a, const auto& b) {
      return a.config.run.seed < b.config.run.seed;
    });
    set_copies_apart(variant);
  }
  const size_t cut = variants.size() > 1 ? common_prefix(variants) : 0;
  for (auto& variant : variants) {
    variant.name =
        uses[variant.full_name] > 1 ? variant.first().folder : variant.full_name.substr(cut);
  }
  return variants;
}

std::optional<size_t> find_variant(const std::vector<Variant>& variants, const std::string& word) {
  const auto only = [&](auto matches) -> std::optional<size_t> {
    const auto found = std::find_if(variants.begin(), variants.end(), matches);
    if (found == variants.end() || std::any_of(found + 1, variants.end(), matches)) {
      return std::nullopt;
    }
    return static_cast<size_t>(found - variants.begin());
  };
  const auto of_run = [&](const RunRecord& run) {
    std::error_code missing;
    return run.name == word || std::filesystem::equivalent(run.folder, word, missing);
  };
  if (const auto named = only([&](const Variant& v) { return v.name == word; })) {
    return named;
  }
  if (const auto named = only([&](const Variant& v) { return v.full_name == word; })) {
    return named;
  }
  return only([&](const Variant& v) {
    return std::any_of(v.runs.begin(), v.runs.end(), of_run) || std::any_of(v.copies.begin(), v.copies.end(), of_run);
  });
}

std::string differing_keys(const ConfigLeaves& a, const ConfigLeaves& b) {
  const std::map<std::string, std::string> of_a(a.begin(), a.end());
  const std::map<std::string, std::string> of_b(b.begin(), b.end());
  auto keys = of_a;
  keys.insert(of_b.begin(), of_b.end());
  const auto value = [](const auto& leaves, const std::string& key) {
    const auto found = leaves.find(key);
    return found == leaves.end() ? std::string("nothing") : found->second;
  };
  std::vector<std::string> differing;
  for (const auto& [key, unused] : keys) {
    const auto left = value(of_a, key), right = value(of_b, key);
    if (left != right) {
      differing.push_back(key + " (" + left + ", " + right + ")");
    }
  }
  return join(differing);
}

}  // namespace moe

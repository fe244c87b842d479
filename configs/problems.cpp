#include "configs/problems.h"

#include <algorithm>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "configs/errors.h"
#include "configs/utf8.h"

namespace moe {
namespace {

// A file that is no configuration at all would bury its first, telling lines under thousands.
constexpr size_t kMostShown = 50;

}  // namespace

Problems::Problems(std::string name, std::vector<std::string> overrides)
    : name_(std::move(name)), overrides_(std::move(overrides)) {}

void Problems::add(const Place& place, const std::string& key, const std::string& message) {
  std::string text;
  if (place.file > 0) {
    text = "override '" + visible(overrides_[static_cast<size_t>(place.file) - 1], 100) + "': ";
  } else if (place.line > 0) {
    text = name_ + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) + ": ";
  } else {
    text = name_ + ": ";
  }
  if (!key.empty()) text += visible(stand_ins_to_bytes(key), 200) + ": ";
  found_.push_back({place, text + message});
}

void Problems::throw_if_any() const {
  if (found_.empty()) return;
  std::vector<Problem> sorted = found_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.place.file, a.place.line, a.place.column) <
           std::tie(b.place.file, b.place.line, b.place.column);
  });
  std::vector<std::string> lines;
  std::unordered_set<std::string> said;
  for (const Problem& problem : sorted) {
    if (said.insert(problem.text).second) lines.push_back(problem.text);
  }
  std::string message;
  for (size_t i = 0; i < lines.size() && i < kMostShown; ++i) {
    if (i > 0) message += "\n";
    message += lines[i];
  }
  if (lines.size() > kMostShown) {
    message += "\n... and " + std::to_string(lines.size() - kMostShown) + " more";
  }
  throw ConfigError(message);
}

}  // namespace moe

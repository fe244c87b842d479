#include "train/report/run_history.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "train/report/row_scalars.h"

namespace moe {
namespace {

constexpr size_t kMostStretches = 2 * kMostChartPoints;
constexpr size_t kMostColumns = 128;
constexpr size_t kMostEntries = 8;      // of a list: as many as a chart has colours
constexpr size_t kMostListFigures = 8;  // of a gate: a damaged file may name any number
constexpr size_t kMostBins = 4096;      // of a histogram

// A list of numbers, NaN where one is none; empty for what is no list.
std::vector<double> numbers_in(const Json& object, const char* key) {
  std::vector<double> numbers;
  if (const auto found = object.find(key); found != object.end() && found->is_array()) {
    for (const auto& value : *found) {
      numbers.push_back(value.is_number() ? value.get<double>()
                                          : std::numeric_limits<double>::quiet_NaN());
    }
  }
  return numbers;
}

}  // namespace

void SeriesHistory::add(double x, double y) {
  last_ = y;
  ++count_;
  missing_ += std::isfinite(y) ? 0 : 1;
  begun_.push_back({x, y});
  if (begun_.size() < stretch_) {
    return;
  }
  full_.push_back(merged_points(begun_));
  begun_.clear();
  if (full_.size() >= kMostStretches) {
    std::vector<ChartPoint> half;
    for (size_t i = 0; i + 1 < full_.size(); i += 2) {
      half.push_back(merged_points(std::span(full_).subspan(i, 2)));
    }
    full_ = std::move(half);
    stretch_ *= 2;
  }
}

std::vector<ChartPoint> SeriesHistory::points() const {
  auto points = full_;
  if (!begun_.empty()) {
    points.push_back(merged_points(begun_));
  }
  return points;
}

void LoadHistory::add(int64_t step, const std::vector<double>& tokens_per_expert) {
  if (!columns_.empty() && columns_.front().size() != tokens_per_expert.size()) {
    return;  // rows of another model: a damaged file may not end a run
  }
  if (columns_.empty() || in_last_ == stretch_) {
    if (columns_.size() >= kMostColumns) {
      for (size_t i = 0; i + 1 < columns_.size(); i += 2) {
        for (size_t expert = 0; expert < columns_[i].size(); ++expert) {
          columns_[i][expert] += columns_[i + 1][expert];
        }
        columns_[i / 2] = columns_[i];
        starts_[i / 2] = starts_[i];
      }
      columns_.resize(columns_.size() / 2);
      starts_.resize(columns_.size());
      stretch_ *= 2;
    }
    columns_.emplace_back(tokens_per_expert.size(), 0.0);
    starts_.push_back(static_cast<double>(last_step_));
    in_last_ = 0;
  }
  auto& column = columns_.back();
  for (size_t expert = 0; expert < column.size(); ++expert) {
    column[expert] += tokens_per_expert[expert];
  }
  ++in_last_;
  last_step_ = step;
}

HeatMap LoadHistory::map(size_t columns) const {
  HeatMap map;
  map.x_end = static_cast<double>(last_step_);
  const size_t together = std::max<size_t>(1, (columns_.size() + columns - 1) / columns);
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (i % together == 0) {
      map.x.push_back(starts_[i]);
      map.load.push_back(columns_[i]);
    } else {
      for (size_t expert = 0; expert < columns_[i].size(); ++expert) {
        map.load.back()[expert] += columns_[i][expert];
      }
    }
  }
  return map;
}

void RunHistory::add(const Json& row) {
  const auto step = row.find("step");
  if (step == row.end() || !step->is_number_integer()) {
    return;
  }
  last_step_ = step->get<int64_t>();
  for (const auto& [name, value] : row_scalars(row)) {
    series_[name].add(static_cast<double>(last_step_), value);
  }
  const auto layers = row.find("moe");
  if (layers == row.end() || !layers->is_array()) {
    return;
  }
  for (size_t i = 0; i < layers->size(); ++i) {
    const auto& layer = (*layers)[i];
    if (!layer.is_object()) {
      continue;
    }
    const auto number = layer_number(layer, i);
    if (const auto tokens = numbers_in(layer, "tokens_per_expert"); !tokens.empty()) {
      loads_[number].add(last_step_, tokens);
    }
    add_lists(layer, lists_[number]);
  }
}

void RunHistory::add_lists(const Json& layer, LayerLists& lists) {
  const auto histogram = numbers_in(layer, "slots_histogram");
  if (!histogram.empty() && histogram.size() <= kMostBins &&
      std::all_of(histogram.begin(), histogram.end(), [](double bin) { return bin >= 0; })) {
    lists.slots_histogram = histogram;
    lists.histogram_step = last_step_;
  }
  const auto gate = layer.find("gate");
  if (gate == layer.end() || !gate->is_object()) {
    return;
  }
  for (const auto& [name, value] : gate->items()) {
    const auto numbers = numbers_in(*gate, name.c_str());
    if (numbers.empty() || (lists.gate.count(name) == 0 && lists.gate.size() == kMostListFigures)) {
      continue;
    }
    auto& list = lists.gate[name];
    if (list.length == 0) {
      list.length = numbers.size();
      list.entries.resize(std::min(numbers.size(), kMostEntries));
    }
    for (size_t i = 0; i < list.entries.size() && list.length == numbers.size(); ++i) {
      list.entries[i].add(static_cast<double>(last_step_), numbers[i]);
    }
  }
}

std::vector<ChartPoint> RunHistory::points(const std::string& name) const {
  const auto found = series_.find(name);
  return found == series_.end() ? std::vector<ChartPoint>{} : found->second.points();
}

double RunHistory::last(const std::string& name) const {
  const auto found = series_.find(name);
  return found == series_.end() ? std::numeric_limits<double>::quiet_NaN() : found->second.last();
}

}  // namespace moe

// What a run's report shows of its rows, in memory that does not grow with them: every series and
// every layer's load is kept as a bounded number of stretches, which are merged in pairs when there
// are too many. So a report costs the same after a hundred rows and after a million, and nothing
// has to be read again to write it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "data/formats/metrics_file.h"
#include "train/report/heat_map.h"
#include "train/report/line_chart.h"

namespace moe {

class SeriesHistory {
 public:
  void add(double x, double y);  // NaN: not finite there
  // Means over stretches; the band is the lowest and highest value where a stretch has several.
  std::vector<ChartPoint> points() const;
  double last() const { return last_; }
  size_t count() const { return count_; }
  size_t missing() const { return missing_; }  // values that were not finite

 private:
  std::vector<ChartPoint> full_;   // stretches of stretch_ values
  std::vector<ChartPoint> begun_;  // values of the one that is not full yet
  size_t stretch_ = 1, count_ = 0, missing_ = 0;
  double last_ = 0;
};

class LoadHistory {
 public:
  // Another number of experts than at first is left out.
  void add(int64_t step, const std::vector<double>& tokens_per_expert);
  // Without title. At most `columns`, of equally many rows each but the last.
  HeatMap map(size_t columns) const;
  size_t experts() const { return columns_.empty() ? 0 : columns_.front().size(); }

 private:
  std::vector<double> starts_;                // step after which a column begins
  std::vector<std::vector<double>> columns_;  // sums
  size_t stretch_ = 1, in_last_ = 0;
  int64_t last_step_ = 0;
};

// A figure of a gate that is a list: a series for each of its first entries.
struct ListHistory {
  std::vector<SeriesHistory> entries;  // kMostEntries at most
  size_t length = 0;                   // of the list as it was at first; others are left out
};

// What a layer's rows hold as lists, beside its load.
struct LayerLists {
  std::map<std::string, ListHistory> gate;
  std::vector<double> slots_histogram;  // of the last row that had one
  int64_t histogram_step = 0;
};

class RunHistory {
 public:
  void add(const Json& row);
  bool has(const std::string& name) const { return series_.count(name) > 0; }
  // By step; empty when no row had it. Names are those of train/report/row_scalars.h.
  std::vector<ChartPoint> points(const std::string& name) const;
  double last(const std::string& name) const;  // NaN when no row had it
  const std::map<std::string, SeriesHistory>& series() const { return series_; }
  const std::map<int64_t, LoadHistory>& loads() const { return loads_; }  // by layer
  const std::map<int64_t, LayerLists>& lists() const { return lists_; }   // by layer
  int64_t last_step() const { return last_step_; }

 private:
  void add_lists(const Json& layer, LayerLists& lists);

  std::map<std::string, SeriesHistory> series_;
  std::map<int64_t, LoadHistory> loads_;
  std::map<int64_t, LayerLists> lists_;
  int64_t last_step_ = 0;
};

}  // namespace moe

// One picture of moe-diagnose --watch: lines of text that fit a terminal, which is not touched here.
#pragma once

#include <string>
#include <vector>

#include "train/diagnose/diagnose.h"

namespace moe {

struct WatchState {
  std::string folder;
  bool has_config = false;
  RunConfig config;
  std::vector<Json> rows;      // the last of training, kPooledRows at most
  std::vector<double> losses;  // of training, the last ones
  Json valid;                  // the last row of validation, or null
  int64_t skipped = 0;         // lines that were no rows
  double seconds_quiet = 0;    // since the last row came

  void add(const Json& row);
  void forget_rows();
  int64_t last_step() const;  // 0 without rows
  bool finished() const;      // the run's last planned step has been logged
};

enum class ViewStyle { kPlain, kTitle, kFault, kWarning };
struct ViewLine {
  std::string text;  // at most as wide as the view
  ViewStyle style = ViewStyle::kPlain;
};

// At most `height` lines of at most `width` characters. What does not fit is left out from the
// middle: of many layers the last ones, with a line that says how many.
std::vector<ViewLine> watch_view(const WatchState& state, size_t width, size_t height);

// A row of training or validation in one line, for where no terminal is.
std::string watch_line(const WatchState& state, const Json& row);

}  // namespace moe

// The checkpoint that a continued run began with, and all that was spent on its values before: by the run
// that wrote it, and by those that one had begun with in turn. A run's total cost is this and its own counters.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "data/formats/json_text.h"

namespace moe {

struct BeganWith {
  std::string checkpoint;  // its folder
  int64_t step = 0;        // that it was saved at
  double tokens = 0;
  double target_tokens = 0;
  double flops = 0;
  double flops_attention = 0;
  double seconds = 0;
  double joules = std::numeric_limits<double>::quiet_NaN();  // not a number: not measured throughout
};

// {"checkpoint": ..., "step": ..., "tokens": ..., ...}; `joules` null where it is not known.
Json began_with_json(const BeganWith& began_with);
// What it gave. Throws RunError, beginning with `name`.
BeganWith parse_began_with(const Json& object, const std::string& name);

// `began_with` of the run's environment.json. None where it is not there: a run that began with values of its
// own, or one from before it was noted. Never throws: the file is a note, not the run.
std::optional<BeganWith> read_beginning(const std::string& run_folder);

// A finite number, or null for one that is not; a key that is missing or null is not a number.
Json number_or_null(double value);
double number_or_nan(const Json& object, const std::string& key, const std::string& name);

}  // namespace moe

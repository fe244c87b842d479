// Figures of moe-compare's JSON as its tables show them: "n/a" for null.
#pragma once

#include <string>

#include "data/formats/json_text.h"

namespace moe {

inline constexpr const char* kNotKnown = "n/a";

// Names hold whatever a config or a command line gave them: a terminal must not obey it, nor a table break.
std::string shown_name(const Json& name);

// printf's pattern for numbers of this size: with four decimals where that shows enough.
const char* metric_format(double size);

std::string shown_number(const Json& value, const char* pattern);
std::string shown_number(const Json& value);  // by metric_format() of itself
std::string shown_short(const Json& value);   // by short_number()
// With a sign, as many digits as `like` has.
std::string shown_change(const Json& change, const Json& like);
// "-0.0512 to -0.0246", likewise.
std::string shown_interval(const Json& ci, const Json& like);
std::string shown_p(const Json& p);
std::string shown_percent(const Json& share);  // "5.2 %"

}  // namespace moe

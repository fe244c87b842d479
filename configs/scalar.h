// Numbers and booleans as a configuration spells them, exactly and without surprises.
//
// yaml-cpp reads 010 as 8, takes `yes` for true and refuses 1e5 for an integer, so a config would
// mean something else than it shows. Here: decimal only, and a refusal says why.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace moe {

// A value, or the reason why the text is none. `why` may be empty: the text just is no such thing.
template <class T>
struct Parsed {
  std::optional<T> value;
  std::string why;
};

// 12, -3, and 1e5 or 2.5e3 where they come out whole; exact over all of int64.
Parsed<int64_t> parse_integer(const std::string& text);

// Finite decimal numbers: 1, -0.5, .5, 3e-4. The nearest double.
Parsed<double> parse_number(const std::string& text);

// `true` and `false`.
Parsed<bool> parse_boolean(const std::string& text);

// The shortest decimal text that parse_number reads back to the same double.
std::string number_text(double value);

}  // namespace moe

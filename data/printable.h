// Text for a terminal, from bytes that may be anything.
#pragma once

#include <string>

namespace moe {

// `bytes` with everything that is not valid UTF-8, and control characters other than newline and
// tab (C1 ones too: terminals obey them), written as \xnn.
std::string printable(const std::string& bytes);

// For error messages: the text in quotes, on one line, at most 400 characters of it.
std::string in_quotes(const std::string& text);

}  // namespace moe

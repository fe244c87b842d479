// The log on stderr, behind plain strings: spdlog brings another fmt than LibTorch's headers do, so
// only log.cpp includes it.
#pragma once

#include <string>

namespace moe {

void set_log_level(const std::string& level);  // "debug", "info", "warning", "error"
void log_info(const std::string& message);
void log_warning(const std::string& message);
void log_error(const std::string& message);

}  // namespace moe

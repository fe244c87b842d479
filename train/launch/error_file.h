// torchrun shows why the first rank failed, where that rank has written it down.
#pragma once

#include <string>

namespace moe {

// Writes TORCHELASTIC_ERROR_FILE (Launch::error_file), nothing where `path` is empty. Never throws: the error
// itself is what matters, and a log line says if it could not be written. `type`: of the error, "RankFailure".
void write_error_file(const std::string& path, const std::string& type, const std::string& message) noexcept;

}  // namespace moe

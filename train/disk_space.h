// How much a file system still takes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace moe {

// Bytes that a user without privileges may still write to the file system of `folder`, which exists.
// Nothing where the file system does not tell.
std::optional<uint64_t> free_bytes(const std::string& folder);

}  // namespace moe

// Unpacks gzip files (dictzip included) once, so that they are read at any place like plain text.
//
// A file's place in the cache is its stem and a hash of its path, size and time of change, so a
// changed file is unpacked anew. It appears under that name complete or not at all, also when two
// processes unpack it at once. What a killed one left half-unpacked goes when the file is next opened.
#pragma once

#include <string>

#include "data/formats/file.h"

namespace moe {

// By its first bytes, whatever its name.
bool is_gzip(const File& file, const std::string& name);

// The cache folder: `configured`, or when that is empty $XDG_CACHE_HOME/moe, ~/.cache/moe, or
// /tmp/moe-cache-<user id> without a home. Creates it. Throws RunError.
std::string cache_folder(const std::string& configured);

// Path of the unpacked text of the gzip file `file`, opened from `path`. `name` is what messages
// call it. Throws RunError: corrupt or truncated, a full disk, a folder that cannot be written.
std::string unpack_once(const File& file, const std::string& path, const std::string& name,
                        const std::string& cache);

}  // namespace moe

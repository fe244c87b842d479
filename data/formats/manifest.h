// manifest.json of a checkpoint: every other file with its size and SHA-256. It is written last; a
// folder without one is not a checkpoint.
#pragma once

#include <map>
#include <string>

#include "data/formats/safetensors.h"

namespace moe {

using Manifest = std::map<std::string, WrittenFile>;  // plain base names

// SHA-256 and size of a file. Throws RunError.
WrittenFile hash_file(const std::string& path);
// Writes a small text file, replacing an older one; it appears complete and durable (fsync of file
// and folder) or not at all. Returns its size and hash. Throws RunError.
WrittenFile write_text_file(const std::string& path, const std::string& text);
// Writes folder/manifest.json and fsyncs it and the folder. Throws RunError; std::invalid_argument
// for a name that is not a plain base name.
void write_manifest(const std::string& folder, const Manifest& manifest);
// Reads folder/manifest.json and checks every file against it: none missing, none extra, sizes and
// hashes equal. Returns an empty string when all is well, else one sentence naming the file.
std::string verify_manifest(const std::string& folder);

}  // namespace moe

// manifest.json of a checkpoint: every other file with its size and SHA-256. It is written last; a
// folder without one is not a checkpoint.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "data/formats/safetensors.h"

namespace moe {

using Manifest = std::map<std::string, WrittenFile>;  // plain base names

// SHA-256 and size of a file. Throws RunError.
WrittenFile hash_file(const std::string& path);
// Writes a small text file, replacing an older one; it appears complete and durable (fsync of file
// and folder) or not at all. Returns its size and hash. Throws RunError.
WrittenFile write_text_file(const std::string& path, const std::string& text);
// The text of manifest.json. std::invalid_argument for a name that is not a plain base name.
std::string manifest_text(const Manifest& manifest);
// Writes folder/manifest.json and fsyncs it and the folder. Throws RunError and as manifest_text.
void write_manifest(const std::string& folder, const Manifest& manifest);
// The entries of a manifest's text; `name` is what messages call it. Throws RunError for what is no
// manifest, for names that are not plain base names, and for a name given twice.
Manifest parse_manifest(const std::string& text, const std::string& name);
// The entries of folder/manifest.json. Throws RunError as parse_manifest.
Manifest read_manifest(const std::string& folder);

// The names that a manifest must list; they may depend on what it lists.
using ExpectedNames = std::function<std::set<std::string>(const Manifest&)>;
// Of the files that a manifest lists, in its order, those that one of several readers hashes: every
// of-th, from file `first` on. All sizes are looked at by everyone.
struct HashShare {
  int64_t first = 0, of = 1;
};
// Reads folder/manifest.json and checks every file against it: the manifest lists exactly `names`
// (any where that is empty), none missing, none extra, sizes and hashes equal. Returns an empty
// string when all is well, else one sentence naming the file.
std::string verify_manifest(const std::string& folder, const ExpectedNames& names = {},
                            const HashShare& share = {});

}  // namespace moe

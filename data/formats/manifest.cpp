#include "data/formats/manifest.h"

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "configs/errors.h"
#include "data/formats/atomic_file.h"
#include "data/formats/json_text.h"
#include "data/formats/sha256.h"
#include "data/printable.h"

namespace moe {
namespace {

constexpr const char* kManifestName = "manifest.json";
constexpr uint64_t kLongestManifest = uint64_t{1} << 22;  // more than ten thousand files

bool is_base_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name != kManifestName &&
         name.find('/') == std::string::npos && name.find('\0') == std::string::npos;
}

bool is_hash(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

std::string manifest_path(const std::string& folder) { return folder + "/" + kManifestName; }

std::string check_names(const Manifest& manifest, const std::string& path,
                        const std::set<std::string>& names) {
  for (const auto& name : names) {
    if (manifest.count(name) == 0) {
      return in_quotes(path) + ": expected an entry for " + in_quotes(name) + ", found none";
    }
  }
  for (const auto& [name, file] : manifest) {
    if (names.count(name) == 0) {
      return in_quotes(path) + ": expected no entry for " + in_quotes(name) +
             ", which is no file of this format; it is another version's, or was put in";
    }
  }
  return "";
}

std::string check_file(const std::string& path, const WrittenFile& expected, bool hashed) {
  const std::string name = in_quotes(path);
  // The size first: it is free, and tells truncation from corruption.
  const auto bytes = static_cast<uint64_t>(file_size(open_regular(path, name), name));
  if (bytes != expected.bytes) {
    return name + ": expected " + std::to_string(expected.bytes) +
           " bytes by the manifest, found " + std::to_string(bytes);
  }
  if (!hashed) return "";
  const std::string hash = hash_file(path).sha256;
  if (hash != expected.sha256) {
    return name + ": expected SHA-256 " + expected.sha256 + " by the manifest, found " + hash +
           "; the file is corrupt";
  }
  return "";
}

}  // namespace

Manifest parse_manifest(const std::string& text, const std::string& name) {
  const auto wrong = [&name](const std::string& found) {
    return RunError(name + ": expected {\"files\": {name: {\"bytes\": n, \"sha256\": hex}}}, found " +
                    found);
  };
  const Json json = parse_json_object(text, name);
  if (!json.contains("files") || !json["files"].is_object()) throw wrong("no object 'files'");
  Manifest manifest;
  for (const auto& [file, entry] : json["files"].items()) {
    if (!is_base_name(file)) throw wrong("the name " + in_quotes(file) + ", not a plain base name");
    if (!entry.is_object() || entry.size() != 2 || !entry.contains("bytes") ||
        !entry["bytes"].is_number_unsigned() || !entry.contains("sha256") ||
        !entry["sha256"].is_string() || !is_hash(entry["sha256"].get<std::string>())) {
      throw wrong("another entry for " + in_quotes(file));
    }
    manifest[file] = {entry["bytes"].get<uint64_t>(), entry["sha256"].get<std::string>()};
  }
  return manifest;
}

WrittenFile hash_file(const std::string& path) {
  constexpr uint64_t kPiece = uint64_t{1} << 20;
  const std::string name = in_quotes(path);
  const File file = open_regular(path, name);
  const auto bytes = static_cast<uint64_t>(file_size(file, name));
  std::string piece(std::min(bytes, kPiece), '\0');
  Sha256 hash;
  for (uint64_t done = 0; done < bytes; done += piece.size()) {
    piece.resize(std::min(bytes - done, kPiece));
    read_at(file, done, piece.data(), piece.size(), name);
    hash.update(piece);
  }
  return {bytes, hash.hex()};
}

WrittenFile write_text_file(const std::string& path, const std::string& text) {
  AtomicFile file(path, in_quotes(path));
  file.write(text);
  file.commit();
  Sha256 hash;
  hash.update(text);
  return {text.size(), hash.hex()};
}

std::string manifest_text(const Manifest& manifest) {
  auto files = Json::object();
  for (const auto& [name, file] : manifest) {
    if (!is_base_name(name)) {
      throw std::invalid_argument("manifest: " + in_quotes(name) +
                                  " is not a plain base name");
    }
    files[name] = {{"bytes", file.bytes}, {"sha256", file.sha256}};
  }
  const Json json = {{"files", files}};
  return json.dump(2) + "\n";
}

void write_manifest(const std::string& folder, const Manifest& manifest) {
  write_text_file(manifest_path(folder), manifest_text(manifest));
}

Manifest read_manifest(const std::string& folder) {
  const std::string path = manifest_path(folder);
  return parse_manifest(read_text_file(path, kLongestManifest), in_quotes(path));
}

std::string verify_manifest(const std::string& folder, const ExpectedNames& names,
                            const HashShare& share) {
  try {
    const Manifest manifest = read_manifest(folder);
    if (names) {
      const std::string problem = check_names(manifest, manifest_path(folder), names(manifest));
      if (!problem.empty()) return problem;
    }
    int64_t number = 0;
    for (const auto& [name, file] : manifest) {
      const bool mine = number++ % share.of == share.first;
      const std::string problem = check_file(folder + "/" + name, file, mine);
      if (!problem.empty()) return problem;
    }
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder, error), end; entry != end && !error;
         entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      if (name != kManifestName && manifest.count(name) == 0) {
        return in_quotes(folder + "/" + name) +
               ": expected only files of the manifest, found this one";
      }
    }
    if (error) return in_quotes(folder) + ": cannot be listed: " + error.message();
    return "";
  } catch (const RunError& error) {
    return error.what();
  }
}

}  // namespace moe

#include "data/formats/manifest.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <system_error>

#include "configs/errors.h"
#include "data/formats/atomic_file.h"
#include "data/formats/sha256.h"
#include "data/printable.h"

namespace moe {
namespace {

constexpr const char* kManifestName = "manifest.json";

bool is_base_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name != kManifestName &&
         name.find('/') == std::string::npos && name.find('\0') == std::string::npos;
}

bool is_hash(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// Throws RunError.
Manifest read_manifest(const std::string& path) {
  constexpr uint64_t kLongest = uint64_t{1} << 24;  // a hundred thousand files
  const std::string text = read_text_file(path, kLongest);
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto wrong = [&path](const std::string& what) {
    return RunError(in_quotes(path) +
                    ": expected {\"files\": {name: {\"bytes\": n, \"sha256\": hex}}}, " + "found " +
                    what);
  };
  if (json.is_discarded()) throw wrong("text that is not JSON");
  if (!json.is_object() || !json.contains("files") || !json["files"].is_object()) {
    throw wrong("no object 'files'");
  }
  Manifest manifest;
  for (const auto& [name, entry] : json["files"].items()) {
    if (!is_base_name(name)) throw wrong("the name " + in_quotes(name) + ", not a plain base name");
    if (!entry.is_object() || !entry.contains("bytes") || !entry["bytes"].is_number_unsigned() ||
        !entry.contains("sha256") || !entry["sha256"].is_string() ||
        !is_hash(entry["sha256"].get<std::string>())) {
      throw wrong("another entry for " + in_quotes(name));
    }
    manifest[name] = {entry["bytes"].get<uint64_t>(), entry["sha256"].get<std::string>()};
  }
  return manifest;
}

std::string check_file(const std::string& path, const WrittenFile& expected) {
  const std::string name = in_quotes(path);
  // The size first: it is free, and tells truncation from corruption.
  const auto bytes = static_cast<uint64_t>(file_size(open_regular(path, name), name));
  if (bytes != expected.bytes) {
    return name + ": expected " + std::to_string(expected.bytes) +
           " bytes by the manifest, found " + std::to_string(bytes);
  }
  const std::string hash = hash_file(path).sha256;
  if (hash != expected.sha256) {
    return name + ": expected SHA-256 " + expected.sha256 + " by the manifest, found " + hash +
           "; the file is corrupt";
  }
  return "";
}

}  // namespace

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

void write_manifest(const std::string& folder, const Manifest& manifest) {
  auto files = nlohmann::json::object();
  for (const auto& [name, file] : manifest) {
    if (!is_base_name(name)) {
      throw std::invalid_argument("write_manifest: " + in_quotes(name) +
                                  " is not a plain base name");
    }
    files[name] = {{"bytes", file.bytes}, {"sha256", file.sha256}};
  }
  const nlohmann::json json = {{"files", files}};
  write_text_file(folder + "/" + kManifestName, json.dump(2) + "\n");
}

std::string verify_manifest(const std::string& folder) {
  try {
    const Manifest manifest = read_manifest(folder + "/" + kManifestName);
    for (const auto& [name, file] : manifest) {
      const std::string problem = check_file(folder + "/" + name, file);
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

// Any bytes as manifest.json. One that is taken names files of its own folder only, and written and
// read again is the same.
#include "configs/errors.h"
#include "data/formats/json_text.h"
#include "data/formats/manifest.h"
#include "tests/fuzz/fuzz.h"

namespace moe {
namespace {

void check(const std::string& text) {
  Manifest manifest;
  try {
    manifest = parse_manifest(text, "fuzz");
  } catch (const RunError& error) {
    require_message(error.what());
    return;
  }
  for (const auto& [name, file] : manifest) {
    require(!name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
                name.find('\0') == std::string::npos,
            "names are plain base names", name);
    require(file.sha256.size() == 64, "hashes have 64 digits", file.sha256);
  }
  const std::string written = manifest_text(manifest);
  const Manifest again = parse_manifest(written, "again");
  require(manifest_text(again) == written, "parse(write(m)) == m", written);
}

}  // namespace
}  // namespace moe

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  moe::check(moe::text_of(data, size));
  return 0;
}

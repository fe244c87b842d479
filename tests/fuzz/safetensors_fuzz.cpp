// Any bytes as a safetensors file. One that is taken can be read to its last byte, and its tensors lie
// inside it and do not overlap. Names that say they are parts make whole tensors or are refused.
#include "configs/errors.h"
#include "data/formats/safetensors.h"
#include "data/formats/safetensors_header.h"
#include "data/formats/safetensors_set.h"
#include "tests/fuzz/fuzz.h"

namespace moe {
namespace {

void check(const std::string& bytes) {
  const MemoryFile memory(bytes);
  try {
    const SafetensorsFile file(memory.path());
    uint64_t total = 0;
    for (const auto& [name, info] : file.tensors()) {
      uint64_t expected = 0;
      require(tensor_bytes(info.dtype, info.shape, expected), "sizes fit 64 bits", name);
      require(info.begin <= info.end && info.end - info.begin == expected, "sizes match", name);
      require(info.end <= bytes.size(), "tensors lie inside the file", name);
      std::string content(expected, '\0');
      file.read(name, content.data(), expected);
      total += expected;
    }
    require(total <= bytes.size(), "tensors do not overlap");
  } catch (const RunError& error) {
    require_message(error.what());
  }
}

void check_set(const std::string& bytes) {
  const MemoryFile memory(bytes);
  try {
    const SafetensorsSet set("set", {memory.path()});
    uint64_t total = 0;
    for (const auto& [name, whole] : set.tensors()) {
      int64_t next = 0;
      for (const auto& part : whole.parts) {
        require(part.begin == next && part.end >= next, "parts lie end to end", name);
        next = part.end;
      }
      require(next == whole.elements, "and are the whole", name);
      uint64_t size = 0;
      require(tensor_bytes(whole.dtype, whole.shape, size), "sizes fit 64 bits", name);
      require(size == static_cast<uint64_t>(whole.elements * dtype_size(whole.dtype)), "sizes match", name);
      std::string content(size, '\0');
      set.read(name, 0, whole.elements, content.data());
      total += size;
    }
    require(total <= bytes.size(), "no element is there twice");
  } catch (const RunError& error) {
    require_message(error.what());
  }
}

}  // namespace
}  // namespace moe

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  moe::check(moe::text_of(data, size));
  moe::check_set(moe::text_of(data, size));
  // Most random lengths are refused at once: the header alone, with a buffer that may fit it.
  if (size == 0) return 0;
  try {
    const auto json = moe::text_of(data + 1, size - 1);
    moe::parse_safetensors_header(json, data[0], "fuzz");
  } catch (const moe::RunError& error) {
    moe::require_message(error.what());
  }
  return 0;
}

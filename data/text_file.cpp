#include "data/text_file.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "configs/errors.h"
#include "data/formats/file.h"
#include "data/gzip_cache.h"
#include "data/printable.h"

namespace moe {
namespace {

struct Packing {
  const char* name;
  const char* magic;
  size_t bytes;
};
constexpr Packing kUnreadPackings[] = {
    {"zstd", "\x28\xb5\x2f\xfd", 4},
    {"xz",
     "\xfd"
     "7zXZ\0",
     6},
    {"bzip2", "BZh91AY&SY", 10},
    {"zip", "PK\x03\x04", 4},
};

// Training on packed bytes would go on for hours and learn nothing.
void refuse_packed(const TextFile& file, const std::string& name) {
  for (const auto& packing : kUnreadPackings) {
    if (file.bytes() >= static_cast<int64_t>(packing.bytes) &&
        std::memcmp(file.data(), packing.magic, packing.bytes) == 0) {
      throw RunError(name + ": expected plain text or gzip, found " + packing.name +
                     "; unpack it first");
    }
  }
}

}  // namespace

TextFile::TextFile(const std::string& path, const std::string& key, const std::string& cache)
    : path_(path) {
  const std::string name = key + ": " + in_quotes(path);
  File file = open_regular(path, name);
  const bool packed = is_gzip(file, name);
  if (packed) file = open_regular(unpack_once(file, path, name, cache_folder(cache)), name);
  bytes_ = file_size(file, name);
  if (bytes_ == 0) {
    throw RunError(name + ": expected text, found an empty file" +
                   (packed ? " once unpacked" : "") + "; remove it from the list or fill it");
  }
  void* mapped =
      ::mmap(nullptr, static_cast<size_t>(bytes_), PROT_READ, MAP_SHARED, file.descriptor(), 0);
  if (mapped == MAP_FAILED) {
    throw RunError(name + ": cannot be memory-mapped: " + error_text(errno));
  }
  data_ = static_cast<const uint8_t*>(mapped);
  try {
    refuse_packed(*this, name);
  } catch (...) {  // no destructor runs for an object that was never finished
    ::munmap(mapped, static_cast<size_t>(bytes_));
    throw;
  }
}

TextFile::TextFile(TextFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)) {}

TextFile::~TextFile() {
  if (data_ != nullptr) {
    ::munmap(const_cast<uint8_t*>(data_), static_cast<size_t>(bytes_));
  }
}

}  // namespace moe

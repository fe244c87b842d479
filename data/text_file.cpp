#include "data/text_file.h"

#include <sys/resource.h>

#include <cstring>

#include "configs/errors.h"
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
    if (file.bytes() < static_cast<int64_t>(packing.bytes)) continue;
    std::string start(packing.bytes, '\0');
    file.read(0, static_cast<int64_t>(packing.bytes), start.data());
    if (std::memcmp(start.data(), packing.magic, packing.bytes) == 0) {
      throw RunError(name + ": expected plain text or gzip, found " + packing.name +
                     "; unpack it first");
    }
  }
}

}  // namespace

TextFile::TextFile(const std::string& path, const std::string& key, const std::string& cache)
    : path_(path), name_(key + ": " + in_quotes(path)), file_(open_regular(path, name_)) {
  const bool packed = is_gzip(file_, name_);
  if (packed) file_ = open_regular(unpack_once(file_, path, name_, cache_folder(cache)), name_);
  bytes_ = file_size(file_, name_);
  if (bytes_ == 0) {
    throw RunError(name_ + ": expected text, found an empty file" +
                   (packed ? " once unpacked" : "") + "; remove it from the list or fill it");
  }
  refuse_packed(*this, name_);
}

void TextFile::read(int64_t begin, int64_t count, char* to) const {
  try {
    read_at(file_, static_cast<uint64_t>(begin), to, static_cast<uint64_t>(count), name_);
  } catch (const RunError&) {
    const int64_t now = file_size(file_, name_);
    if (now >= begin + count) throw;
    throw RunError(name_ + ": expected " + std::to_string(bytes_) +
                   " bytes, as when it was opened, found " + std::to_string(now) +
                   ": it was cut short while in use; bring the text back and repeat the command");
  }
}

void allow_open_files(size_t files) {
  constexpr rlim_t kOthers = 256;  // what else a program has open
  struct rlimit limit;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = static_cast<rlim_t>(files) + kOthers;
  if (limit.rlim_cur >= wanted) return;
  if (limit.rlim_max < wanted) {
    throw RunError("data: " + std::to_string(files) + " files of text, and this machine allows " +
                   std::to_string(limit.rlim_max) +
                   " open files: join them into fewer, or raise the limit (ulimit -Hn)");
  }
  limit.rlim_cur = wanted;
  ::setrlimit(RLIMIT_NOFILE, &limit);  // where it fails, opening will say what is wrong
}

}  // namespace moe

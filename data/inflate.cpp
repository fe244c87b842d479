#include "data/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "configs/errors.h"
#include "data/formats/atomic_file.h"
#include "data/printable.h"

namespace moe {
namespace {

constexpr size_t kChunk = size_t{1} << 18;
constexpr const char* kMend = "; fetch or copy the file again";

class Inflater {
 public:
  explicit Inflater(const std::string& name) {
    constexpr int kGzipOnly = 16;
    if (inflateInit2(&stream_, MAX_WBITS + kGzipOnly) != Z_OK) {
      throw RunError(name + ": zlib cannot start: out of memory");
    }
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  z_stream& stream() { return stream_; }

 private:
  z_stream stream_ = {};
};

// A gzip file read in pieces.
class Source {
 public:
  Source(const File& file, const std::string& name)
      : file_(file), name_(name), left_(static_cast<uint64_t>(file_size(file, name))) {}

  // Gives zlib more to read where it has none; false at the end of the file.
  bool refill(z_stream& stream) {
    if (stream.avail_in > 0) return true;
    const uint64_t bytes = std::min<uint64_t>(left_, kChunk);
    if (bytes == 0) return false;
    read_at(file_, offset_, chunk_.data(), bytes, name_);
    offset_ += bytes;
    left_ -= bytes;
    stream.next_in = chunk_.data();
    stream.avail_in = static_cast<uInt>(bytes);
    return true;
  }
  // Where zlib stands.
  uint64_t position(const z_stream& stream) const { return offset_ - stream.avail_in; }

  // Steps over zeros (padding after a member); true when something else follows.
  bool more_after_padding(z_stream& stream) {
    while (refill(stream)) {
      if (*stream.next_in != 0) return true;
      ++stream.next_in;
      --stream.avail_in;
    }
    return false;
  }

 private:
  const File& file_;
  const std::string& name_;
  uint64_t offset_ = 0;
  uint64_t left_;
  std::vector<unsigned char> chunk_ = std::vector<unsigned char>(kChunk);
};

// One member, from its header to its checksum.
void inflate_member(Source& source, z_stream& stream, const std::string& name, AtomicFile& out) {
  std::vector<unsigned char> chunk(kChunk);
  int state = Z_OK;
  while (state != Z_STREAM_END) {
    if (!source.refill(stream)) {
      throw RunError(name + ": expected a complete gzip file, found one that is cut off at byte " +
                     std::to_string(source.position(stream)) + kMend);
    }
    stream.next_out = chunk.data();
    stream.avail_out = static_cast<uInt>(chunk.size());
    state = inflate(&stream, Z_NO_FLUSH);
    if (state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR) {
      throw RunError(name + ": expected valid gzip, found damage near byte " +
                     std::to_string(source.position(stream)) + " (" +
                     (stream.msg != nullptr ? stream.msg : zError(state)) + ")" + kMend);
    }
    out.write({reinterpret_cast<const char*>(chunk.data()), chunk.size() - stream.avail_out});
  }
}

}  // namespace

void inflate_to(const File& file, const std::string& name, const std::string& target) {
  AtomicFile out(target, "data.cache: " + in_quotes(target));
  Inflater inflater(name);
  Source source(file, name);
  do {
    inflateReset(&inflater.stream());
    inflate_member(source, inflater.stream(), name, out);
  } while (source.more_after_padding(inflater.stream()));
  out.commit();
}

}  // namespace moe

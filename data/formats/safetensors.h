// safetensors files: 8 bytes of header length, a JSON header, one raw buffer.
// https://github.com/huggingface/safetensors, README "Format". Own reader and writer, free of
// LibTorch; the reader trusts nothing and reads with pread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "data/formats/file.h"

namespace moe {

// In the order by which the reference writer sorts, smallest elements first.
enum class Dtype { kBool, kU8, kI8, kI16, kU16, kF16, kBF16, kI32, kU32, kF32, kF64, kI64, kU64 };
const char* dtype_name(Dtype dtype);  // "F32"
int64_t dtype_size(Dtype dtype);      // bytes of one element

struct TensorInfo {
  Dtype dtype = Dtype::kF32;
  std::vector<int64_t> shape;
  uint64_t begin = 0;  // bytes, relative to the buffer
  uint64_t end = 0;
};

class SafetensorsFile {
 public:
  // Reads and checks the header. Throws RunError naming the file and, where there is one, the
  // tensor.
  explicit SafetensorsFile(const std::string& path);

  const std::string& path() const { return path_; }
  const std::map<std::string, TensorInfo>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  // Throws RunError when there is none of this name (the message has a suggestion).
  const TensorInfo& info(const std::string& name) const;
  // Copies the tensor's bytes; `bytes` must be info(name).end - begin (std::invalid_argument).
  // May be called from several threads. Throws RunError.
  void read(const std::string& name, void* destination, uint64_t bytes) const;
  // Copies `count` of its elements, from element `first` on; the tensor has them
  // (std::invalid_argument). Otherwise as read().
  void read_elements(const std::string& name, int64_t first, int64_t count, void* destination) const;

 private:
  std::string path_;
  File file_;
  uint64_t buffer_begin_ = 0;
  std::map<std::string, TensorInfo> tensors_;
  std::map<std::string, std::string> metadata_;
};

struct TensorData {
  std::string name;
  Dtype dtype = Dtype::kF32;
  std::vector<int64_t> shape;
  const void* data = nullptr;  // row-major; may be null where there are no elements
};

struct WrittenFile {
  uint64_t bytes = 0;
  std::string sha256;  // lower-case hex, hashed while writing
};

// Writes, fsyncs and closes `path`, which must not exist. `{"format": "pt"}` is always in the
// metadata. Largest dtype first, then by name, as the reference writer does: every tensor is
// aligned to its elements, and the same tensors give the same bytes. Throws RunError (a full disk,
// a folder that cannot be written), leaving no file; std::invalid_argument for names that are not
// UTF-8, "__metadata__" or given twice.
WrittenFile write_safetensors(const std::string& path, const std::vector<TensorData>& tensors,
                              const std::map<std::string, std::string>& metadata = {});

}  // namespace moe

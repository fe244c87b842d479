#include <cstddef>
#include <stdexcept>
#include <utility>

#include "configs/errors.h"
#include "configs/suggest.h"
#include "data/formats/safetensors.h"
#include "data/formats/safetensors_header.h"
#include "data/printable.h"

namespace moe {

SafetensorsFile::SafetensorsFile(const std::string& path) : path_(path) {
  constexpr uint64_t kLengthBytes = 8;
  constexpr uint64_t kLongestHeader = 100'000'000;  // the reference reader's limit
  const std::string name = in_quotes(path);
  file_ = open_regular(path, name);
  const auto bytes = static_cast<uint64_t>(file_size(file_, name));
  if (bytes < kLengthBytes) {
    throw RunError(name + ": expected a safetensors file, found " + std::to_string(bytes) +
                   " bytes; the first 8 are the header's length");
  }
  unsigned char little_endian[kLengthBytes];
  read_at(file_, 0, little_endian, kLengthBytes, name);
  uint64_t length = 0;
  for (size_t i = kLengthBytes; i-- > 0;) length = length << 8 | little_endian[i];
  if (length > kLongestHeader || length > bytes - kLengthBytes) {
    throw RunError(name + ": header length: expected at most 100000000 and at most the " +
                   std::to_string(bytes - kLengthBytes) + " bytes that follow, found " +
                   std::to_string(length) + "; it is cut short or no safetensors file");
  }
  buffer_begin_ = kLengthBytes + length;
  std::string json(length, '\0');
  read_at(file_, kLengthBytes, json.data(), length, name);
  auto header = parse_safetensors_header(json, bytes - buffer_begin_, name);
  tensors_ = std::move(header.tensors);
  metadata_ = std::move(header.metadata);
}

const TensorInfo& SafetensorsFile::info(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found != tensors_.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [tensor, info] : tensors_) names.push_back(tensor);
  throw RunError(in_quotes(path_) + ": expected a tensor named " + in_quotes(name) +
                 ", found none" + did_you_mean(name, names));
}

void SafetensorsFile::read(const std::string& name, void* destination, uint64_t bytes) const {
  const TensorInfo& tensor = info(name);
  if (bytes != tensor.end - tensor.begin) {
    throw std::invalid_argument("SafetensorsFile::read: " + in_quotes(name) + " has " +
                                std::to_string(tensor.end - tensor.begin) +
                                " bytes, the destination " + std::to_string(bytes));
  }
  read_at(file_, buffer_begin_ + tensor.begin, destination, bytes, in_quotes(path_));
}

void SafetensorsFile::read_elements(const std::string& name, int64_t first, int64_t count,
                                    void* destination) const {
  const TensorInfo& tensor = info(name);
  const auto size = static_cast<uint64_t>(dtype_size(tensor.dtype));
  const auto elements = static_cast<int64_t>((tensor.end - tensor.begin) / size);
  if (first < 0 || count < 0 || first > elements - count) {
    throw std::invalid_argument("SafetensorsFile::read_elements: " + in_quotes(name) + " has " +
                                std::to_string(elements) + " elements, asked for were " +
                                std::to_string(count) + " from " + std::to_string(first) + " on");
  }
  read_at(file_, buffer_begin_ + tensor.begin + static_cast<uint64_t>(first) * size, destination,
          static_cast<uint64_t>(count) * size, in_quotes(path_));
}

}  // namespace moe

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>

#include "configs/errors.h"
#include "data/formats/safetensors.h"
#include "data/formats/safetensors_atomic.h"
#include "data/formats/safetensors_header.h"
#include "data/formats/sha256.h"
#include "data/printable.h"

namespace moe {
namespace {

uint64_t bytes_of(const TensorData& tensor) {
  uint64_t bytes = 0;
  if (!tensor_bytes(tensor.dtype, tensor.shape, bytes)) {
    throw std::invalid_argument("write_safetensors: tensor " + in_quotes(tensor.name) +
                                ": shape: a negative size, or more than 2^64 bytes");
  }
  return bytes;
}

std::vector<const TensorData*> in_file_order(const std::vector<TensorData>& tensors) {
  std::vector<const TensorData*> order;
  for (const auto& tensor : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const TensorData* a, const TensorData* b) {
    return a->dtype != b->dtype ? a->dtype > b->dtype : a->name < b->name;
  });
  return order;
}

std::string header_text(const std::vector<const TensorData*>& order,
                        const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header;
  header["__metadata__"] = metadata;
  header["__metadata__"]["format"] = "pt";
  uint64_t end = 0;
  std::map<std::string, bool> seen = {{"__metadata__", true}};
  for (const TensorData* tensor : order) {
    if (seen[tensor->name]) {
      throw std::invalid_argument("write_safetensors: tensor name " + in_quotes(tensor->name) +
                                  " is reserved or given twice");
    }
    seen[tensor->name] = true;
    const uint64_t begin = end;
    end += bytes_of(*tensor);
    // Built by itself: a look-up by name in an ordered_json is a walk over all earlier names.
    header.get_ref<nlohmann::ordered_json::object_t&>().emplace_back(
        tensor->name, nlohmann::ordered_json{{"dtype", dtype_name(tensor->dtype)},
                                             {"shape", tensor->shape},
                                             {"data_offsets", {begin, end}}});
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception& error) {
    throw std::invalid_argument(std::string("write_safetensors: names must be UTF-8: ") +
                                error.what());
  }
  text.append((8 - text.size() % 8) % 8, ' ');  // so that the buffer is aligned to 8
  return text;
}

std::string little_endian(uint64_t value) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
  return bytes;
}

// A new file that is removed again unless finish() was reached.
class NewFile {
 public:
  explicit NewFile(const std::string& path)
      : path_(path), file_(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)) {
    if (file_.descriptor() < 0) {
      throw RunError(in_quotes(path) + ": cannot be created: " + error_text(errno));
    }
  }
  ~NewFile() {
    if (!finished_) ::unlink(path_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void write(std::string_view bytes) {
    constexpr size_t kPiece = size_t{1} << 20;  // hashed while it is still in the cache
    for (; !bytes.empty(); bytes.remove_prefix(std::min(kPiece, bytes.size()))) {
      const std::string_view piece = bytes.substr(0, kPiece);
      hash_.update(piece);
      write_all(file_, piece, in_quotes(path_));
      written_.bytes += piece.size();
    }
  }
  WrittenFile finish() {
    sync_file(file_, in_quotes(path_));
    finished_ = true;
    written_.sha256 = hash_.hex();
    return written_;
  }

 private:
  std::string path_;
  File file_;
  Sha256 hash_;
  WrittenFile written_;
  bool finished_ = false;
};

template <class File>
void write_parts(File& file, const std::vector<TensorData>& tensors,
                 const std::map<std::string, std::string>& metadata) {
  const auto order = in_file_order(tensors);
  const std::string header = header_text(order, metadata);
  file.write(little_endian(header.size()));
  file.write(header);
  for (const TensorData* tensor : order) {
    file.write({static_cast<const char*>(tensor->data), bytes_of(*tensor)});
  }
}

}  // namespace

WrittenFile write_safetensors(const std::string& path, const std::vector<TensorData>& tensors,
                              const std::map<std::string, std::string>& metadata) {
  NewFile file(path);
  write_parts(file, tensors, metadata);
  return file.finish();
}

void write_safetensors(AtomicFile& file, const std::vector<TensorData>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  write_parts(file, tensors, metadata);
}

}  // namespace moe

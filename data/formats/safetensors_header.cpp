#include "data/formats/safetensors_header.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "configs/errors.h"
#include "data/printable.h"

namespace moe {
namespace {

constexpr size_t kMaxRank = 64;  // LibTorch's own limit, and one for what a shape may allocate

bool parse_dtype(const std::string& text, Dtype& dtype) {
  for (int i = 0; i <= static_cast<int>(Dtype::kU64); ++i) {
    if (text == dtype_name(static_cast<Dtype>(i))) {
      dtype = static_cast<Dtype>(i);
      return true;
    }
  }
  return false;
}

// Events of the JSON parser to a header. A handler that returns false ends the parse; what was
// wrong is then in error(). The states are the only shape of document that is accepted:
//   {"__metadata__": {text: text}, tensor: {"dtype": text, "shape": [n...], "data_offsets": [n,
//   n]}}
class HeaderHandler : public nlohmann::json_sax<nlohmann::json> {
 public:
  SafetensorsHeader header;
  const std::string& error() const { return error_; }

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a truth value"); }
  bool number_integer(number_integer_t) override { return unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t& text) override {
    return unexpected("the number " + in_quotes(text));
  }
  bool binary(binary_t&) override { return unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (state_ == State::kShape) {
      if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        return fail("shape: expected numbers below 2^63, found " + std::to_string(value));
      }
      if (info_.shape.size() == kMaxRank) return fail("shape: expected at most 64 dimensions");
      info_.shape.push_back(static_cast<int64_t>(value));
      return true;
    }
    if (state_ == State::kOffsets) {
      if (offsets_ == 2) return fail("data_offsets: expected two numbers, found more");
      (offsets_++ == 0 ? info_.begin : info_.end) = value;
      return true;
    }
    return unexpected("the number " + std::to_string(value));
  }

  bool string(string_t& text) override {
    if (state_ == State::kMetadata) {
      header.metadata[key_] = std::move(text);
      return true;
    }
    if (state_ == State::kEntry && key_ == "dtype") {
      return parse_dtype(text, info_.dtype) ||
             fail("dtype: expected BOOL, U8 to U64, I8 to I64, F16, BF16, F32 or F64, found " +
                  in_quotes(text));
    }
    return unexpected("the text " + in_quotes(text));
  }

  bool start_object(size_t) override {
    if (state_ == State::kStart) {
      state_ = State::kTensors;
      return true;
    }
    if (state_ != State::kTensors) return unexpected("an object");
    state_ = tensor_ == "__metadata__" ? State::kMetadata : State::kEntry;
    keys_.clear();
    info_ = {};
    offsets_ = 0;
    return true;
  }

  bool key(string_t& text) override {
    if (state_ == State::kTensors) {
      tensor_ = text;
      key_.clear();
      return names_.insert(text).second || fail("found twice; names must differ");
    }
    key_ = text;
    if (!keys_.insert(text).second) return fail("key " + in_quotes(text) + " found twice");
    if (state_ == State::kEntry && key_ != "dtype" && key_ != "shape" && key_ != "data_offsets") {
      return fail("expected dtype, shape and data_offsets, found " + in_quotes(text));
    }
    return true;
  }

  bool end_object() override {
    if (state_ == State::kEntry) {
      if (keys_.size() != 3) return fail("expected dtype, shape and data_offsets, found fewer");
      header.tensors[tensor_] = std::move(info_);
    }
    state_ = state_ == State::kTensors ? State::kDone : State::kTensors;
    return true;
  }

  bool start_array(size_t) override {
    if (state_ == State::kEntry && key_ == "shape") {
      state_ = State::kShape;
    } else if (state_ == State::kEntry && key_ == "data_offsets") {
      state_ = State::kOffsets;
    } else {
      return unexpected("a list");
    }
    return true;
  }

  bool end_array() override {
    if (state_ == State::kOffsets && offsets_ != 2) {
      return fail("data_offsets: expected two numbers, found " + std::to_string(offsets_));
    }
    state_ = State::kEntry;
    return true;
  }

  bool parse_error(size_t position, const std::string&, const nlohmann::json::exception&) override {
    error_ = "header: expected JSON, found an error at its byte " + std::to_string(position);
    return false;
  }

 private:
  enum class State { kStart, kTensors, kMetadata, kEntry, kShape, kOffsets, kDone };

  bool fail(const std::string& what) {
    error_ = "tensor " + in_quotes(tensor_) + ": " + what;
    return false;
  }
  bool unexpected(const std::string& found) {
    if (state_ == State::kStart) {
      error_ = "header: expected an object, found " + found;
      return false;
    }
    const char* expected = state_ == State::kTensors    ? "an object"
                           : state_ == State::kMetadata ? "a text"
                           : state_ == State::kShape || state_ == State::kOffsets || key_ != "dtype"
                               ? "whole numbers from 0 on, in one list"
                               : "a text";
    return fail((key_.empty() ? "" : in_quotes(key_) + ": ") + "expected " + expected + ", found " +
                found);
  }

  State state_ = State::kStart;
  std::string error_;
  std::string tensor_;           // the key at the top level, "__metadata__" included
  std::string key_;              // the key within it
  std::set<std::string> names_;  // of the top level
  std::set<std::string> keys_;   // of the present entry
  TensorInfo info_ = {};
  int offsets_ = 0;
};

void check_sizes(const SafetensorsHeader& header, const std::string& name) {
  for (const auto& [tensor, info] : header.tensors) {
    uint64_t bytes = 0;
    const std::string where = name + ": tensor " + in_quotes(tensor) + ": ";
    if (!tensor_bytes(info.dtype, info.shape, bytes)) {
      throw RunError(where + "shape: expected a size in bytes below 2^64, found more");
    }
    if (info.begin > info.end || info.end - info.begin != bytes) {
      throw RunError(where + "data_offsets: expected " + std::to_string(bytes) +
                     " bytes by shape and dtype, found [" + std::to_string(info.begin) + ", " +
                     std::to_string(info.end) + "]");
    }
  }
}

void check_tiling(const SafetensorsHeader& header, uint64_t buffer_bytes, const std::string& name) {
  std::vector<std::pair<const TensorInfo*, const std::string*>> order;
  for (const auto& [tensor, info] : header.tensors) order.emplace_back(&info, &tensor);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first->begin, a.first->end) < std::pair(b.first->begin, b.first->end);
  });
  uint64_t end = 0;
  for (const auto& [info, tensor] : order) {
    if (info->begin != end) {
      throw RunError(name + ": tensor " + in_quotes(*tensor) +
                     ": data_offsets: expected to begin at " + std::to_string(end) +
                     ", where the one before ends, found " + std::to_string(info->begin) +
                     " (tensors may not overlap or leave holes)");
    }
    end = info->end;
  }
  if (end != buffer_bytes) {
    throw RunError(name + ": expected " + std::to_string(end) +
                   " bytes of tensors after the header, found " + std::to_string(buffer_bytes) +
                   (buffer_bytes < end ? "; the file is cut short" : "; something was appended"));
  }
}

}  // namespace

bool tensor_bytes(Dtype dtype, const std::vector<int64_t>& shape, uint64_t& bytes) {
  bytes = static_cast<uint64_t>(dtype_size(dtype));
  for (const int64_t size : shape) {
    if (size < 0 || __builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes))
      return false;
  }
  return true;
}

SafetensorsHeader parse_safetensors_header(std::string_view json, uint64_t buffer_bytes,
                                           const std::string& name) {
  const size_t start = json.find_first_not_of(" \t\r\n");
  // The parser would step over a byte-order mark; the format has none.
  if (start == std::string_view::npos || json[start] != '{') {
    throw RunError(name + ": header: expected a JSON object, found " +
                   in_quotes(std::string(json.substr(0, 20))));
  }
  // The parser would take a NUL for the end of its input, and not look at what follows.
  if (const size_t nul = json.find('\0'); nul != std::string_view::npos) {
    throw RunError(name + ": header: expected JSON, found a NUL at its byte " +
                   std::to_string(nul + 1));
  }
  HeaderHandler handler;
  if (!nlohmann::json::sax_parse(json.begin(), json.end(), &handler)) {
    throw RunError(name + ": " + handler.error());
  }
  check_sizes(handler.header, name);
  check_tiling(handler.header, buffer_bytes, name);
  return std::move(handler.header);
}

}  // namespace moe

#include "data/formats/safetensors_set.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "configs/errors.h"
#include "data/printable.h"

namespace moe {
namespace {

using Whole = SafetensorsSet::Whole;
using Part = Whole::Part;

// Digits alone, and one way to write a number: no two names say the same part.
bool read_number(const std::string& text, int64_t& value) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos ||
      (text.size() > 1 && text.front() == '0')) {
    return false;
  }
  const char* end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, value);
  return problem == std::errc() && stop == end;
}

// The tensor that a stored name says, and which part of it: "x[0:8]".
std::string read_name(const std::string& stored, const std::string& where, Part& part) {
  const size_t open = stored.find('[');
  if (open == std::string::npos) {
    return stored;
  }
  const size_t colon = std::min(stored.find(':', open), stored.size() - 1);
  if (open == 0 || stored.back() != ']' ||
      !read_number(stored.substr(open + 1, colon - open - 1), part.begin) ||
      !read_number(stored.substr(colon + 1, stored.size() - colon - 2), part.end) || part.begin >= part.end) {
    throw RunError(where +
                   "expected a name without '[', or that of a part, name[begin:end] with "
                   "0 <= begin < end < 2^63");
  }
  return stored.substr(0, open);
}

int64_t elements_of(const TensorInfo& info) {  // the file holds them all, so that they fit
  return static_cast<int64_t>((info.end - info.begin) / static_cast<uint64_t>(dtype_size(info.dtype)));
}

std::string range(int64_t begin, int64_t end) {
  return std::to_string(begin) + " to " + std::to_string(end - 1);
}

bool is_whole(const Part& part) { return part.stored.find('[') == std::string::npos; }

// Rows of the whole have its sizes from the second on.
std::vector<int64_t> sizes_of_a_row(const Part& part) { return {part.shape.begin() + 1, part.shape.end()}; }

// What is wrong with the parts of a tensor, or "". They are sorted.
std::string problem_of_tiles(const Whole& whole, const std::vector<SafetensorsFile>& files) {
  const auto in = [&](const Part& part) {
    return in_quotes(part.stored) + " of " + in_quotes(files[part.file].path());
  };
  int64_t next = 0;
  for (size_t i = 0; i < whole.parts.size(); ++i) {
    const auto& part = whole.parts[i];
    if (i > 0 && (part.begin < next || is_whole(part) || is_whole(whole.parts[i - 1]))) {
      return "expected every element once, found some twice: in " + in(whole.parts[i - 1]) + " and in " +
             in(part);
    }
    if (part.begin > next) {
      return "expected every element once, found none of " + range(next, part.begin) +
             "; the first after them is in " + in(part);
    }
    next = part.end;
  }
  return "";
}

// Fills in the shape that the parts say; returns what is wrong with them, or "".
std::string problem_of_shapes(Whole& whole) {
  const auto& first = whole.parts.front();
  if (is_whole(first)) {
    whole.shape = first.shape;
    return "";
  }
  const Part* rows = nullptr;
  for (const auto& part : whole.parts) {
    if (part.shape.size() < 2) {
      continue;
    }
    const auto row = sizes_of_a_row(part);
    int64_t elements = 1;
    for (const int64_t size : row) {
      elements *= size;  // a part has elements, and no more than its file
    }
    if (part.begin % elements != 0 || (rows != nullptr && row != sizes_of_a_row(*rows))) {
      return in_quotes(part.stored) +
             ": expected rows of the whole, the same as in its other parts, or a flat part";
    }
    rows = &part;
    whole.shape = row;
    whole.shape.insert(whole.shape.begin(), whole.elements / elements);
    if (whole.elements % elements != 0) {
      return in_quotes(part.stored) + ": expected whole rows, found " + std::to_string(whole.elements) +
             " elements in all parts, which " + std::to_string(elements) + " does not divide";
    }
  }
  whole.flat = rows == nullptr;
  if (whole.flat) {
    whole.shape = {whole.elements};
  }
  return "";
}

}  // namespace

std::string part_name(const std::string& tensor, int64_t begin, int64_t end) {
  return tensor + "[" + std::to_string(begin) + ":" + std::to_string(end) + "]";
}

SafetensorsSet::SafetensorsSet(const std::string& name, const std::vector<std::string>& paths) : name_(name) {
  for (const auto& path : paths) {
    const auto& file = files_.emplace_back(path);
    for (const auto& [stored, info] : file.tensors()) {
      const auto where = in_quotes(path) + ": tensor " + in_quotes(stored) + ": ";
      Part part{0, elements_of(info), files_.size() - 1, stored, info.shape};
      auto& whole = tensors_[read_name(stored, where, part)];
      if (part.end - part.begin != elements_of(info)) {
        throw RunError(where + "expected " + std::to_string(part.end - part.begin) +
                       " elements by its name, found " + std::to_string(elements_of(info)));
      }
      if (whole.parts.empty()) {
        whole.dtype = info.dtype;
      } else if (whole.dtype != info.dtype) {
        throw RunError(where + "expected " + dtype_name(whole.dtype) + " as its other parts, found " +
                       dtype_name(info.dtype));
      }
      whole.parts.push_back(std::move(part));
    }
  }
  for (auto& [tensor, whole] : tensors_) {
    std::sort(whole.parts.begin(), whole.parts.end(), [](const Part& a, const Part& b) {
      return std::tie(a.begin, a.end, a.file) < std::tie(b.begin, b.end, b.file);
    });
    whole.elements = whole.parts.back().end;
    auto problem = problem_of_tiles(whole, files_);
    if (problem.empty()) {
      problem = problem_of_shapes(whole);
    }
    if (!problem.empty()) {
      throw RunError(in_quotes(name_) + ": tensor " + in_quotes(tensor) + ": " + problem);
    }
  }
}

void SafetensorsSet::read(const std::string& tensor, int64_t begin, int64_t count, void* destination) const {
  const auto found = tensors_.find(tensor);
  if (found == tensors_.end() || begin < 0 || count < 0 || begin > found->second.elements - count) {
    throw std::invalid_argument("SafetensorsSet::read: " + in_quotes(tensor) + " has no elements from " +
                                std::to_string(begin) + " on, " + std::to_string(count) + " of them");
  }
  const auto& whole = found->second;
  auto* to = static_cast<char*>(destination);
  auto part = std::upper_bound(whole.parts.begin(), whole.parts.end(), begin,
                               [](int64_t element, const Part& other) { return element < other.end; });
  for (; count > 0; ++part) {
    const int64_t here = std::min(count, part->end - begin);
    files_[part->file].read_elements(part->stored, begin - part->begin, here, to);
    to += here * dtype_size(whole.dtype);
    begin += here;
    count -= here;
  }
}

}  // namespace moe

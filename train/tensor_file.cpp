#include "train/tensor_file.h"

#include <set>
#include <sstream>

#include "configs/errors.h"

namespace moe {
namespace {

Dtype dtype_of(const Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kFloat: return Dtype::kF32;
    case at::kDouble: return Dtype::kF64;
    case at::kBFloat16: return Dtype::kBF16;
    case at::kHalf: return Dtype::kF16;
    case at::kLong: return Dtype::kI64;
    case at::kInt: return Dtype::kI32;
    case at::kBool: return Dtype::kBool;
    default: TORCH_CHECK(false, "no safetensors dtype for ", tensor.scalar_type());
  }
}

std::string describe(Dtype dtype, const std::vector<int64_t>& shape) {
  return c10::str(dtype_name(dtype), " ", at::IntArrayRef(shape));
}

// How a part's whole differs from what the files hold; "" where it does not.
std::string difference(const TensorPart& part, const SafetensorsSet::Whole& found) {
  const auto dtype = dtype_of(part.values);
  const bool fits = found.flat ? found.elements == c10::multiply_integers(part.shape) : found.shape == part.shape;
  if (fits && found.dtype == dtype) {
    return "";
  }
  return "expected " + describe(dtype, part.shape) + ", found " + describe(found.dtype, found.shape) +
         (found.flat ? " in flat parts" : "");
}

// One sentence for every tensor that does not fit.
std::string differences(const SafetensorsSet& files, const std::vector<TensorPart>& parts, bool all_of_them) {
  std::ostringstream text;
  std::set<std::string> expected;
  for (const auto& part : parts) {
    expected.insert(part.name);
    const auto found = files.tensors().find(part.name);
    if (found == files.tensors().end()) {
      text << "\n  missing: " << part.name;
    } else if (const auto wrong = difference(part, found->second); !wrong.empty()) {
      text << "\n  " << part.name << ": " << wrong;
    }
  }
  for (const auto& [name, whole] : files.tensors()) {
    if (all_of_them && !expected.count(name)) {
      text << "\n  unexpected: " << name;
    }
  }
  return text.str();
}

void copy_parts(const SafetensorsSet& files, const std::vector<TensorPart>& parts, bool all_of_them) {
  const auto wrong = differences(files, parts, all_of_them);
  if (!wrong.empty()) {
    throw CheckError(files.name() + ": its tensors do not fit this model:" + wrong);
  }
  at::NoGradGuard no_grad;
  for (const auto& part : parts) {
    auto staged = at::empty(part.values.sizes(), part.values.options().device(at::kCPU).requires_grad(false));
    files.read(part.name, part.begin, part.values.numel(), staged.mutable_data_ptr());
    part.values.copy_(staged);
  }
}

}  // namespace

WrittenFile write_tensors(const std::string& path, const NamedTensors& tensors) {
  std::vector<Tensor> on_host;  // keeps the bytes alive while they are written
  std::vector<TensorData> data;
  for (const auto& [name, tensor] : tensors) {
    on_host.push_back(tensor.detach().cpu().contiguous());
    data.push_back({name, dtype_of(tensor), tensor.sizes().vec(), on_host.back().const_data_ptr()});
  }
  return write_safetensors(path, data);
}

std::vector<TensorPart> whole_parts(const NamedTensors& tensors) {
  std::vector<TensorPart> parts;
  for (const auto& [name, tensor] : tensors) {
    parts.push_back({name, tensor, tensor.sizes().vec()});
  }
  return parts;
}

void read_parts(const SafetensorsSet& files, const std::vector<TensorPart>& parts) {
  copy_parts(files, parts, /*all_of_them=*/true);
}

void read_some_parts(const SafetensorsSet& files, const std::vector<TensorPart>& parts) {
  copy_parts(files, parts, /*all_of_them=*/false);
}

void read_tensors(const std::string& path, const NamedTensors& tensors) {
  read_parts(SafetensorsSet(path, {path}), whole_parts(tensors));
}

TensorShapes shapes_of(const NamedTensors& tensors) {
  TensorShapes shapes;
  for (const auto& [name, tensor] : tensors) {
    shapes.emplace_back(name, describe(dtype_of(tensor), tensor.sizes().vec()));
  }
  return shapes;
}

TensorShapes shapes_in(const SafetensorsSet& files) {
  TensorShapes shapes;
  for (const auto& [name, whole] : files.tensors()) {
    shapes.emplace_back(name, describe(whole.dtype, whole.shape));
  }
  return shapes;
}

}  // namespace moe

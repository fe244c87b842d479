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

std::string describe(const Tensor& tensor) {
  return describe(dtype_of(tensor), tensor.sizes().vec());
}

// One sentence for every tensor that does not fit.
std::string differences(const SafetensorsFile& file, const NamedTensors& tensors, bool whole_file) {
  std::ostringstream text;
  std::set<std::string> expected;
  for (const auto& [name, tensor] : tensors) {
    expected.insert(name);
    const auto found = file.tensors().find(name);
    if (found == file.tensors().end()) {
      text << "\n  missing: " << name;
      continue;
    }
    const auto want = describe(tensor);
    const auto have = describe(found->second.dtype, found->second.shape);
    if (want != have) {
      text << "\n  " << name << ": expected " << want << ", found " << have;
    }
  }
  for (const auto& [name, info] : file.tensors()) {
    if (whole_file && !expected.count(name)) {
      text << "\n  unexpected: " << name;
    }
  }
  return text.str();
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

static void copy_tensors(const std::string& path, const NamedTensors& tensors, bool whole_file) {
  const SafetensorsFile file(path);
  const auto wrong = differences(file, tensors, whole_file);
  if (!wrong.empty()) {
    throw CheckError(path + ": its tensors do not fit this model:" + wrong);
  }
  at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : tensors) {
    auto staged = at::empty(tensor.sizes(), tensor.options().device(at::kCPU).requires_grad(false));
    file.read(name, staged.mutable_data_ptr(), staged.nbytes());
    tensor.copy_(staged);
  }
}

void read_tensors(const std::string& path, const NamedTensors& tensors) {
  copy_tensors(path, tensors, /*whole_file=*/true);
}

void read_some_tensors(const std::string& path, const NamedTensors& tensors) {
  copy_tensors(path, tensors, /*whole_file=*/false);
}

TensorShapes shapes_of(const NamedTensors& tensors) {
  TensorShapes shapes;
  for (const auto& [name, tensor] : tensors) {
    shapes.emplace_back(name, describe(tensor));
  }
  return shapes;
}

TensorShapes shapes_in(const std::string& path) {
  TensorShapes shapes;
  const SafetensorsFile file(path);
  for (const auto& [name, info] : file.tensors()) {
    shapes.emplace_back(name, describe(info.dtype, info.shape));
  }
  return shapes;
}

}  // namespace moe

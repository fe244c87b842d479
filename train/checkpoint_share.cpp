#include "train/checkpoint_share.h"

#include "train/checkpoint_files.h"

namespace moe {
namespace {

// Those of the parts that this rank writes.
std::vector<TensorPart> written_here(const std::vector<TensorPart>& parts) {
  std::vector<TensorPart> written;
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto& part = parts[i];
    const bool some = part.values.numel() > 0 || c10::multiply_integers(part.shape) == 0;
    if (some && static_cast<int64_t>(i) % part.copies == part.copy) {
      written.push_back(part);
    }
  }
  return written;
}

NamedTensors copies_of(const std::vector<TensorPart>& parts) {
  NamedTensors copies;
  for (const auto& part : written_here(parts)) {
    const auto& values = part.values;
    TORCH_CHECK(part.name.find('[') == std::string::npos, "a tensor's name may not hold '[': ", part.name);
    const auto copy = values.detach().to(at::kCPU, values.scalar_type(), /*non_blocking=*/false,
                                         /*copy=*/true, at::MemoryFormat::Contiguous);
    if (values.numel() == c10::multiply_integers(part.shape)) {
      copies.emplace_back(part.name, copy.view(part.shape));  // a share of one rank alone may be flat
    } else {
      copies.emplace_back(part_name(part.name, part.begin, part.begin + values.numel()), copy);
    }
  }
  return copies;
}

uint64_t bytes_of(const std::vector<TensorPart>& parts) {
  constexpr uint64_t kEntry = 512;
  uint64_t bytes = 0;
  for (const auto& part : written_here(parts)) {
    bytes += part.values.nbytes() + kEntry;
  }
  return bytes;
}

}  // namespace

CheckpointShare copy_share(const std::vector<TensorPart>& model, const std::vector<TensorPart>& moments) {
  return {copies_of(model), copies_of(moments)};
}

uint64_t share_bytes(const std::vector<TensorPart>& model, const std::vector<TensorPart>& moments) {
  return bytes_of(model) + bytes_of(moments);
}

Manifest write_share(const std::string& folder, int64_t rank, int64_t ranks, CheckpointShare share) {
  Manifest written;
  const auto write = [&](const char* kind, NamedTensors& tensors) {
    const auto name = rank_file(kind, rank, ranks);
    written[name] = write_tensors(folder + "/" + name, tensors);
    tensors.clear();
  };
  write(kModelFiles, share.model);
  write(kOptimizerFiles, share.moments);
  return written;
}

}  // namespace moe

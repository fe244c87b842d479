#include "train/master_weights.h"

#include "train/model.h"

namespace moe {
MasterWeights::MasterWeights(const Decoder& decoder, const std::string& dtype) {
  TORCH_CHECK(dtype == "fp32" || dtype == "bf16" || dtype == "fp64",
              "dtype: expected fp32, bf16 or fp64, found '", dtype, "'");
  for (const auto& item : decoder.named_parameters()) {
    auto parameter = item.value();
    working_.push_back(parameter);
    if (dtype != "bf16" || keeps_float32(item.key(), parameter)) {
      tensors_.emplace_back(item.key(), parameter);
      continue;
    }
    const auto original = parameter.detach();  // keeps the memory that set_data lets go of
    parameter.set_data(original.to(at::kBFloat16));
    copies_.push_back(tensors_.size());
    tensors_.emplace_back(item.key(), original);
  }
}

void MasterWeights::collect_gradient(size_t number) {
  const auto &original = tensors_[number].second, &working = working_[number];
  auto& left = working.mutable_grad();
  if (original.is_same(working) || !left.defined()) {
    return;
  }
  auto& sum = original.mutable_grad();
  if (sum.defined()) {
    sum.add_(left);
  } else {
    sum = left.to(at::kFloat);
  }
  left.reset();
}

void MasterWeights::collect_gradients() {
  for (const size_t number : copies_) {
    collect_gradient(number);
  }
}

void MasterWeights::publish() {
  at::NoGradGuard no_grad;
  for (const size_t number : copies_) {
    working_[number].copy_(tensors_[number].second);
  }
}

}  // namespace moe

#include "train/master_weights.h"

#include "train/model.h"

namespace moe {
MasterWeights::MasterWeights(const Decoder& decoder, const std::string& dtype) {
  TORCH_CHECK(dtype == "fp32" || dtype == "bf16", "dtype: expected fp32 or bf16, found '", dtype, "'");
  for (const auto& item : decoder.named_parameters()) {
    auto parameter = item.value();
    if (dtype == "fp32" || keeps_float32(item.key(), parameter)) {
      tensors_.emplace_back(item.key(), parameter);
      continue;
    }
    const auto original = parameter.detach();  // keeps the memory that set_data lets go of
    parameter.set_data(original.to(at::kBFloat16));
    tensors_.emplace_back(item.key(), original);
    copies_.push_back({original, parameter});
  }
}

void MasterWeights::collect_gradients() {
  for (auto& [original, working] : copies_) {
    auto& left = working.mutable_grad();
    if (!left.defined()) {
      continue;
    }
    auto& sum = original.mutable_grad();
    if (sum.defined()) {
      sum.add_(left);
    } else {
      sum = left.to(at::kFloat);
    }
    left.reset();
  }
}

void MasterWeights::publish() {
  at::NoGradGuard no_grad;
  for (auto& [original, working] : copies_) {
    working.copy_(original);
  }
}

}  // namespace moe

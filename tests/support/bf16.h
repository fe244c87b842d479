// A module's parameters in half precision, beside the same values in float32.
#pragma once

#include <string>

#include "layers/torch.h"

namespace moe {

// Rounds matrices to bf16 and lets them stay float32: what a bf16 module is to be compared with. Gates
// (named `gate.*`) and one-dimensional parameters are left alone.
inline void round_to_bf16(torch::nn::Module& module, bool cast) {
  at::NoGradGuard no_grad;
  for (auto& item : module.named_parameters()) {
    auto& parameter = item.value();
    if (parameter.dim() >= 2 && item.key().rfind("gate.", 0) != 0) {
      const auto rounded = parameter.to(at::kBFloat16);
      parameter.set_data(cast ? rounded : rounded.to(at::kFloat));
    }
  }
}

}  // namespace moe

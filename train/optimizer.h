// AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) over LibTorch's fused step.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "layers/torch.h"
#include "train/train_config.h"

namespace moe {

class AdamW {
 public:
  // Parameters of two and more dimensions decay; norms and biases do not.
  AdamW(const OptimizerConfig& config,
        const std::vector<std::pair<std::string, Tensor>>& parameters);

  // Clips by the norm of all gradients together, updates, and drops the gradients. A parameter that
  // got none counts as zero gradient. Returns the norm before clipping, on the device.
  Tensor step(double lr);

  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps) { steps_ = steps; }
  // Moments by name: exp_avg.<parameter>, exp_avg_sq.<parameter>. They share the optimizer's memory.
  std::vector<std::pair<std::string, Tensor>> state() const;

 private:
  struct Group {
    double weight_decay = 0;
    std::vector<std::string> names;
    std::vector<Tensor> parameters, exp_avg, exp_avg_sq;
  };
  OptimizerConfig config_;
  std::vector<Group> groups_;
  int64_t steps_ = 0;
};

}  // namespace moe

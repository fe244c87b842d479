// AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) over LibTorch's fused step.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "layers/torch.h"
#include "train/train_config.h"

namespace moe {

class AdamW {
 public:
  // Parameters of two and more dimensions decay; norms and biases do not. Learning rate and decay of
  // each follow config.groups (train/parameter_groups.h); frozen ones are left out altogether.
  AdamW(const OptimizerConfig& config,
        const std::vector<std::pair<std::string, Tensor>>& parameters);

  // The norm of all gradients together, on the device. A parameter that got none counts as zero.
  Tensor gradient_norm();
  // Clips by `norm`, which gradient_norm() gave, updates, and drops the gradients.
  void step(double lr, const Tensor& norm);
  void drop_gradients();
  bool frozen(const std::string& name) const { return frozen_.count(name) > 0; }
  // Parameters whose gradient has a value that is not finite. Waits for the device.
  std::vector<std::string> nonfinite_gradients() const;

  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps) { steps_ = steps; }
  // Moments by name: exp_avg.<parameter>, exp_avg_sq.<parameter>. They share the optimizer's memory.
  std::vector<std::pair<std::string, Tensor>> state() const;

 private:
  struct Group {
    double lr = 1, weight_decay = 0;  // lr: factor on the schedule's
    std::vector<std::string> names;
    std::vector<Tensor> parameters, exp_avg, exp_avg_sq;
  };
  static std::vector<Tensor> gradients(const Group& group);

  OptimizerConfig config_;
  std::vector<Group> groups_;
  std::set<std::string> frozen_;
  int64_t steps_ = 0;
};

}  // namespace moe

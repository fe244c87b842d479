// AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) over LibTorch's fused step.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "layers/torch.h"
#include "moe/mesh.h"
#include "train/parameter_places.h"
#include "train/tensor_parts.h"
#include "train/train_config.h"

namespace moe {

// How the ranks that hold a parameter share the work on it.
struct OptimizerLayout {
  Mesh mesh;           // one rank alone by default
  bool shard = false;  // each keeps the moments of its share alone (ZeRO stage 1, arXiv 1910.02054)
  double gather_mib = 25;
};

// What a checkpoint calls a parameter's moments: these and its name.
constexpr const char* kFirstMoment = "exp_avg.";
constexpr const char* kSecondMoment = "exp_avg_sq.";

class AdamW {
 public:
  // Parameters of two and more dimensions decay; norms and biases do not. Learning rate and decay of
  // each follow config.groups (train/parameter_groups.h); frozen ones are left out altogether.
  AdamW(const OptimizerConfig& config,
        const std::vector<std::pair<std::string, Tensor>>& parameters, OptimizerLayout layout = {});

  // The norm of all gradients of all ranks together, on the device: each parameter counts once, wherever
  // it is. One that got no gradient counts as zero.
  Tensor gradient_norm();
  // Clips by `norm`, which gradient_norm() gave, updates, and drops the gradients.
  void step(double lr, const Tensor& norm);
  void drop_gradients();
  bool frozen(const std::string& name) const { return frozen_.count(name) > 0; }
  // Parameters whose gradient on this rank has a value that is not finite. Waits for the device.
  std::vector<std::string> nonfinite_gradients() const;

  // By name of a parameter: steps of steps() that its moments have not seen, since they began later. Its bias
  // correction counts from there: with zero moments and the count of the others its first updates would be
  // (1 - beta1) / sqrt(1 - beta2) times too large or too small.
  using Late = std::map<std::string, int64_t>;
  int64_t steps() const { return steps_; }
  const Late& late() const { return late_; }
  void set_steps(int64_t steps, const Late& late = {});
  // Moments by name, exp_avg.<parameter> and exp_avg_sq.<parameter>, as far as this rank has them. They
  // share the optimizer's memory.
  std::vector<TensorPart> state() const;

 private:
  struct Group {
    double lr = 1, weight_decay = 0;  // lr: factor on the schedule's
    std::vector<std::string> names;
    std::vector<ParameterPlace> places;
    std::vector<Tensor> parameters;
    // Of what this rank updates: all of a parameter, or its share, flat.
    std::vector<Tensor> updated, exp_avg, exp_avg_sq;
    std::vector<int64_t> missed;  // steps that these moments have not seen, as in Late
  };
  void add(Group& group, const std::string& name, const Tensor& parameter) const;
  Span share_of(const Tensor& parameter, const ParameterPlace& place) const;
  bool shared_out(const ParameterPlace& place) const { return layout_.shard && !place.holders->alone(); }
  // Of whole parameters; of what this rank updates.
  static std::vector<Tensor> gradients(const Group& group);
  std::vector<Tensor> updated_gradients(const Group& group) const;
  void gather_updated() const;

  OptimizerConfig config_;
  OptimizerLayout layout_;
  std::vector<Group> groups_;
  std::set<std::string> frozen_;
  int64_t steps_ = 0;
  Late late_;
};

}  // namespace moe

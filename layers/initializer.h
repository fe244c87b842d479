// First values of parameters. Each is a pure function of (seed, path of the parameter), so swapping
// a gate leaves every other parameter's first value as it was, and so does another rank layout.
#pragma once

#include <string>

#include "layers/torch.h"

namespace moe {

class Initializer {
 public:
  explicit Initializer(uint64_t seed, at::ScalarType dtype = at::kFloat,
                       at::Device device = at::kCPU);

  // The same seed, below `name`: init.in("layers.0").in("attention").
  Initializer in(const std::string& name) const;
  // The same, for a model whose values a checkpoint brings: `loading()` tells modules to leave files
  // alone that their first values would come from, because those may be gone by then.
  Initializer for_loading() const;

  Tensor normal(const std::string& name, at::IntArrayRef shape, double std) const;
  // Normal, cut at two standard deviations and drawn again.
  Tensor truncated_normal(const std::string& name, at::IntArrayRef shape, double std) const;
  Tensor uniform(const std::string& name, at::IntArrayRef shape, double bound) const;  // +-bound
  Tensor constant(at::IntArrayRef shape, double value) const;
  // The shorter side's vectors are orthogonal and of length `gain`; [rows, columns].
  Tensor orthogonal(const std::string& name, at::IntArrayRef shape, double gain) const;

  at::ScalarType dtype() const { return dtype_; }
  at::Device device() const { return device_; }
  bool loading() const { return loading_; }

 private:
  at::Generator generator(const std::string& name) const;
  // What `draw` draws in float64 on the CPU, cast: dtype and device do not change the values. The meta
  // device knows shapes alone, so there nothing is drawn or allocated, whatever the size.
  template <class Draw>
  Tensor placed(at::IntArrayRef shape, Draw draw) const {
    const auto options = at::TensorOptions().dtype(dtype_).device(device_);
    return device_.is_meta() ? at::empty(shape, options) : draw().to(options);
  }

  uint64_t seed_;
  std::string path_;
  at::ScalarType dtype_;
  at::Device device_;
  bool loading_ = false;
};

}  // namespace moe

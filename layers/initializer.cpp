#include "layers/initializer.h"

#include <ATen/CPUGeneratorImpl.h>

#include "layers/noise.h"

namespace moe {

// The meta device knows shapes alone: nothing is allocated or drawn, so that a dry run can ask about a
// model that no memory could hold.
Tensor Initializer::shape_only(at::IntArrayRef shape) const {
  return at::empty(shape, at::TensorOptions().dtype(dtype_).device(device_));
}

Initializer::Initializer(uint64_t seed, at::ScalarType dtype, at::Device device)
    : seed_(seed), dtype_(dtype), device_(device) {}

Initializer Initializer::in(const std::string& name) const {
  Initializer below = *this;
  below.path_ += name + ".";
  return below;
}

at::Generator Initializer::generator(const std::string& name) const {
  uint64_t key = mix64(seed_);
  for (const char c : path_ + name) {
    key = mix64(key ^ static_cast<unsigned char>(c));
  }
  return at::detail::createCPUGenerator(key);
}

// Drawn in float64 on the CPU and then cast, so that dtype and device do not change the values.
Tensor Initializer::placed(const Tensor& drawn) const {
  return drawn.to(at::TensorOptions().dtype(dtype_).device(device_));
}

Tensor Initializer::normal(const std::string& name, at::IntArrayRef shape, double std) const {
  if (device_.is_meta()) {
    return shape_only(shape);
  }
  return placed(at::empty(shape, at::kDouble).normal_(0, std, generator(name)));
}

Tensor Initializer::truncated_normal(const std::string& name, at::IntArrayRef shape,
                                     double std) const {
  if (device_.is_meta()) {
    return shape_only(shape);
  }
  auto drawn = at::empty(shape, at::kDouble);
  auto source = generator(name);
  drawn.normal_(0, std, source);
  for (auto outside = drawn.abs() > 2 * std; outside.any().item<bool>();
       outside = drawn.abs() > 2 * std) {
    drawn = at::where(outside, at::empty(shape, at::kDouble).normal_(0, std, source), drawn);
  }
  return placed(drawn);
}

Tensor Initializer::uniform(const std::string& name, at::IntArrayRef shape, double bound) const {
  if (device_.is_meta()) {
    return shape_only(shape);
  }
  return placed(at::empty(shape, at::kDouble).uniform_(-bound, bound, generator(name)));
}

Tensor Initializer::constant(at::IntArrayRef shape, double value) const {
  if (device_.is_meta()) {
    return shape_only(shape);
  }
  return placed(at::full(shape, value, at::kDouble));
}

}  // namespace moe

#include "layers/initializer.h"

#include <ATen/CPUGeneratorImpl.h>

#include "layers/noise.h"

namespace moe {

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

Tensor Initializer::normal(const std::string& name, at::IntArrayRef shape, double std) const {
  return placed(shape, [&] { return at::empty(shape, at::kDouble).normal_(0, std, generator(name)); });
}

Tensor Initializer::truncated_normal(const std::string& name, at::IntArrayRef shape,
                                     double std) const {
  return placed(shape, [&] {
    auto source = generator(name);
    const auto draw = [&] { return at::empty(shape, at::kDouble).normal_(0, std, source); };
    auto drawn = draw();
    for (auto outside = drawn.abs() > 2 * std; outside.any().item<bool>();
         outside = drawn.abs() > 2 * std) {
      drawn = at::where(outside, draw(), drawn);
    }
    return drawn;
  });
}

Tensor Initializer::uniform(const std::string& name, at::IntArrayRef shape, double bound) const {
  return placed(shape, [&] {
    return at::empty(shape, at::kDouble).uniform_(-bound, bound, generator(name));
  });
}

Tensor Initializer::constant(at::IntArrayRef shape, double value) const {
  return placed(shape, [&] { return at::full(shape, value, at::kDouble); });
}

}  // namespace moe

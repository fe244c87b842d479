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

Initializer Initializer::for_loading() const {
  Initializer other = *this;
  other.loading_ = true;
  return other;
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

Tensor Initializer::orthogonal(const std::string& name, at::IntArrayRef shape, double gain) const {
  TORCH_CHECK(shape.size() == 2, "orthogonal: expected two dimensions, found ", shape);
  return placed(shape, [&] {
    const auto drawn = at::empty(shape, at::kDouble).normal_(0, 1, generator(name));
    const bool wide = shape[0] < shape[1];
    const auto [q, r] = at::linalg_qr(wide ? drawn.t() : drawn);  // q has the longer side's rows
    // With R's diagonal positive the factorisation is unique, so no choice of the library's is left
    // in the values, and Q is uniform over all of them (Mezzadri 2007, Notices of the AMS 54).
    const auto columns = q * r.diagonal().sign() * gain;
    return (wide ? columns.t() : columns).contiguous();
  });
}

}  // namespace moe

// The one kernel of the smoke test, and the question whether there is a device to run it on.
#include "tests/gpu/device.h"
#include "tests/gpu/device_buffer.h"

namespace moe::gpu {
namespace {

__global__ void saxpy_kernel(size_t n, float a, const float* x, float* y) {
  const size_t i = blockIdx.x * static_cast<size_t>(blockDim.x) + threadIdx.x;
  if (i < n) y[i] = a * x[i] + y[i];
}

}  // namespace

std::string why_no_device() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess) return cudaGetErrorString(status);
  return count == 0 ? "CUDA finds no device" : "";
}

std::vector<float> saxpy(float a, const std::vector<float>& x, const std::vector<float>& y) {
  constexpr unsigned kThreads = 256;
  DeviceBuffer device_x(x), device_y(y);
  const auto blocks = static_cast<unsigned>((x.size() + kThreads - 1) / kThreads);
  saxpy_kernel<<<blocks, kThreads>>>(x.size(), a, device_x.data(), device_y.data());
  check_cuda(cudaGetLastError(), "launch of saxpy_kernel");
  return device_y.to_host();
}

}  // namespace moe::gpu

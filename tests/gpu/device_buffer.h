// Memory on the device that is freed with its owner, and the check of every CUDA call.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace moe::gpu {

// Throws std::runtime_error with `what` and CUDA's message unless `status` is success.
inline void check_cuda(cudaError_t status, const char* what) {
  if (status != cudaSuccess) {
    throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(status));
  }
}

template <class T>
class DeviceBuffer {
 public:
  explicit DeviceBuffer(const std::vector<T>& values) : size_(values.size()) {
    check_cuda(cudaMalloc(&data_, bytes()), "cudaMalloc");
    check_cuda(cudaMemcpy(data_, values.data(), bytes(), cudaMemcpyHostToDevice), "copy to device");
  }
  ~DeviceBuffer() { cudaFree(data_); }
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;

  T* data() { return static_cast<T*>(data_); }
  size_t size() const { return size_; }

  // Waits for all work of the device first.
  std::vector<T> to_host() const {
    check_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    std::vector<T> values(size_);
    check_cuda(cudaMemcpy(values.data(), data_, bytes(), cudaMemcpyDeviceToHost), "copy to host");
    return values;
  }

 private:
  size_t bytes() const { return size_ * sizeof(T); }

  size_t size_;
  void* data_ = nullptr;
};

}  // namespace moe::gpu

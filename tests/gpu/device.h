// What the smoke test asks of the device, in plain C++: GoogleTest and the CUDA headers stay in
// different files, since nvcc need not compile the one nor g++ the language of the other.
#pragma once

#include <string>
#include <vector>

namespace moe::gpu {

// Empty where a CUDA device can be used; elsewhere the reason why none can.
std::string why_no_device();

// Returns a * x + y, element by element, computed by a kernel on device 0; x and y have one size.
// Throws std::runtime_error with CUDA's message when a call fails.
std::vector<float> saxpy(float a, const std::vector<float>& x, const std::vector<float>& y);

// Returns the sum of `values` over the ranks of an NCCL communicator whose one rank is device 0.
// Throws std::runtime_error with the library's message when a call fails.
std::vector<float> all_reduce_of_one_rank(const std::vector<float>& values);

}  // namespace moe::gpu

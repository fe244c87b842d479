// The part of LibTorch that the project uses, once: precompiled, and half the compile time of
// torch/torch.h.
#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/nn/module.h>
#include <torch/utils.h>

namespace moe {

using at::Tensor;

}  // namespace moe

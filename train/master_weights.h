// train.dtype: the parameters that products read in bfloat16, and the float32 originals that the
// optimizer updates and checkpoints hold (Micikevicius et al. 2018, arXiv 1710.03740, section 3.1).
//
// Without originals most updates would be lost: at lr 1e-3 one is about a thousandth of a weight, and
// bfloat16 holds eight bits. What keeps_float32() names is its own original; so is everything
// under fp32, and under fp64, which is for comparing layouts and dispatchers.
#pragma once

#include <string>
#include <vector>

#include "layers/decoder.h"
#include "train/tensor_file.h"

namespace moe {

class MasterWeights {
 public:
  MasterWeights() = default;
  // Casts the decoder's parameters in place where `dtype`, a word of train.dtype, says so. They are as
  // Initializer made them: float32, or float64 for fp64.
  MasterWeights(const Decoder& decoder, const std::string& dtype);

  // The float32 originals by parameter name, in the decoder's order. What a checkpoint holds, so that
  // one of either dtype loads into the other.
  const NamedTensors& tensors() const { return tensors_; }
  // The parameter that the decoder reads, of the original with this number.
  const Tensor& working(size_t number) const { return working_[number]; }

  // Adds the gradients that a backward left to those of the originals, in float32, and frees them. To
  // be called after every micro-step: left alone, autograd would add them up in bfloat16.
  void collect_gradients();
  void collect_gradient(size_t number);  // of one of them
  // Rounds the originals into the decoder again: after an update, after loading.
  void publish();

 private:
  NamedTensors tensors_;
  std::vector<Tensor> working_;
  std::vector<size_t> copies_;  // numbers of those that are not their own originals
};

}  // namespace moe

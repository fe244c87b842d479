// init.upcycle: experts from a dense checkpoint (sparse upcycling, Komatsuzaki et al. 2022, arXiv 2212.05055).
//
// Every expert of a layer begins as a copy of that layer's dense feed-forward, and gates begin anew. Where a
// token's weights add up to 1 (top_k renormalised; dselect_k over a power of two experts) the model computes
// at first what the dense one did.
#pragma once

#include <string>
#include <vector>

#include "data/formats/safetensors_set.h"
#include "layers/torch.h"
#include "train/run_config.h"
#include "train/tensor_parts.h"

namespace moe {

// ConfigError where the checkpoint of config `there` has experts already, or where the experts of `here` are
// not as wide as its feed-forward: it names the model.active_width to set.
void refuse_upcycle(const std::string& checkpoint, const RunConfig& there, const RunConfig& here);

// The dense network's tensor that experts' one is copies of:
// layers.0.feed_forward.experts.down -> layers.0.feed_forward.down.
std::string dense_name(const std::string& of_experts);
// The values of one expert, of a tensor of experts [E, ...], as a dense network holds them: a view.
Tensor as_dense(const std::string& of_experts, const Tensor& experts, int64_t expert);

// Fills these parts of experts' tensors, each with as many experts as this rank has, from the dense tensors
// in the files. Throws CheckError.
void read_into_experts(const SafetensorsSet& files, const std::vector<TensorPart>& experts);

}  // namespace moe

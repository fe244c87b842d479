// Why a checkpoint does not fit a model, said so that it can be mended: the tensors with both shapes,
// the keys of the two configs that differ, and what the experts' width comes from.
#pragma once

#include <string>
#include <vector>

#include "train/run_config.h"
#include "train/tensor_file.h"

namespace moe {

// `there` is the checkpoint's config, `here` the new run's. ConfigError where one model is dense and the
// other is not, or where gates that would be kept are of different kinds.
void refuse_other_kinds(const std::string& checkpoint, const RunConfig& there, const RunConfig& here,
                        bool fresh_gate);

// ConfigError unless both lists are the same, order aside.
void refuse_other_shapes(const std::string& checkpoint, const TensorShapes& given,
                         const TensorShapes& wanted, RunConfig& there, RunConfig& here);

// Keys of the decoder, its experts and the tokenizer whose values differ: "model.heads: 4 there, 2
// here". Without those of gates, and without those that leave the model's function as it is.
std::vector<std::string> differing_model_keys(RunConfig& there, RunConfig& here);

}  // namespace moe

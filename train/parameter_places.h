// Where a rank's parameters stand in the whole tensors, and which ranks hold the same.
#pragma once

#include <string>
#include <vector>

#include "layers/torch.h"
#include "moe/mesh.h"

namespace moe {

struct ParameterPlace {
  std::vector<int64_t> shape;  // of the whole tensor
  int64_t begin = 0;           // the rank's first element in it
  bool spread = false;         // other ranks of its row hold the rest: experts under parallel.expert
  Mesh::Group holders;         // ranks that hold the same elements; over them gradients are added up
};

// `name` as named_parameters() of the decoder gives it.
ParameterPlace place_of(const std::string& name, const Tensor& parameter, const Mesh& mesh);

// Whether a parameter is one of the gate's experts, which parallel.expert spreads over ranks.
bool belongs_to_experts(const std::string& name);

}  // namespace moe

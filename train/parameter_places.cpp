#include "train/parameter_places.h"

namespace moe {

bool belongs_to_experts(const std::string& name) {
  return name.rfind("experts.", 0) == 0 || name.find(".experts.") != std::string::npos;
}

ParameterPlace place_of(const std::string& name, const Tensor& parameter, const Mesh& mesh) {
  ParameterPlace place{parameter.sizes().vec(), 0, false, mesh.gradients};
  if (!mesh.expert->alone() && belongs_to_experts(name)) {
    place.spread = true;
    place.shape[0] *= mesh.expert_ranks();
    place.begin = mesh.expert_index() * parameter.numel();
    place.holders = mesh.data;
  }
  return place;
}

}  // namespace moe

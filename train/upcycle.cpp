#include "train/upcycle.h"

#include <set>

#include "configs/errors.h"
#include "train/tensor_file.h"

namespace moe {
namespace {

const std::string kExperts = ".experts.";

// What to change, so that every layer's network is as wide as the checkpoint's.
std::string upcycled_width_advice(int64_t wanted, const ModelConfig& here) {
  const auto& moe = *here.moe;
  std::set<int64_t> enough;  // active widths that suit a layer
  bool all_sparse = true;
  for (int64_t layer = 0; layer < here.layers; ++layer) {
    enough.insert(moe.has_experts(layer) ? wanted * moe.slots(layer) : wanted);
    all_sparse = all_sparse && moe.has_experts(layer);
  }
  if (enough.size() == 1) {
    return "Set model.active_width=" + std::to_string(*enough.begin()) +
           (moe.d_hidden ? " and model.moe.d_hidden=auto" : "") + ", k times the width there";
  }
  return all_sparse ? "No model.active_width suits gates of different k: give all layers one k"
                    : "Layers without experts are as wide as model.active_width, so that no width suits both "
                      "kinds of layers: set model.moe.first_dense=0 and model.moe.every=1, or a gate with k = 1";
}

}  // namespace

void refuse_upcycle(const std::string& checkpoint, const RunConfig& there, const RunConfig& here) {
  const std::string begin = "init.upcycle: " + checkpoint;
  if (there.model.moe) {
    throw ConfigError(begin + " has experts already, and expected is a dense model to make them from: take "
                              "init.upcycle out, or begin with a dense checkpoint");
  }
  const auto& model = here.model;
  if (!model.moe) {
    throw ConfigError(begin + ": expected experts here to make from it, found model.moe=none: give model.moe={...}, or "
                              "take init.upcycle out");
  }
  const int64_t wanted = there.model.active_width;
  for (int64_t layer = 0; layer < model.layers; ++layer) {
    const bool sparse = model.moe->has_experts(layer);
    const int64_t width = sparse ? model.moe->expert_width(layer, model.active_width) : model.active_width;
    if (width == wanted) {
      continue;
    }
    throw ConfigError(begin + " has feed-forwards of width " + std::to_string(wanted) + ", and " +
                      (sparse ? "experts of layer " + std::to_string(layer) + " here are " + std::to_string(width) +
                                    " wide, model.active_width / k = " + std::to_string(model.active_width) + " / " +
                                    std::to_string(model.moe->slots(layer))
                              : "layer " + std::to_string(layer) + " here, without experts, is " +
                                    std::to_string(width) + " wide") +
                      ": a copy is as wide as what it copies. " + upcycled_width_advice(wanted, model));
  }
}

std::string dense_name(const std::string& of_experts) {
  auto name = of_experts;
  const auto at = name.find(kExperts);
  TORCH_CHECK(at != std::string::npos, "no tensor of experts: ", of_experts);
  return name.replace(at, kExperts.size(), ".");
}

Tensor as_dense(const std::string& of_experts, const Tensor& experts, int64_t expert) {
  const auto one = experts.select(0, expert);  // gate_up or up, stored alike; or down [F, D]
  const std::string down = "down";
  const bool turned = of_experts.compare(of_experts.size() - down.size(), down.size(), down) == 0;
  return turned ? one.t() : one;  // [D, F] in a dense network
}

void read_into_experts(const SafetensorsSet& files, const std::vector<TensorPart>& experts) {
  at::NoGradGuard no_grad;
  for (const auto& part : experts) {
    const auto first = as_dense(part.name, part.values, 0);
    const auto dense = at::empty(first.sizes(), first.options().device(at::kCPU).requires_grad(false));
    read_some_parts(files, whole_parts({{dense_name(part.name), dense}}));
    for (int64_t expert = 0; expert < part.values.size(0); ++expert) {
      as_dense(part.name, part.values, expert).copy_(dense);
    }
  }
}

}  // namespace moe

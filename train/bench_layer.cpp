#include <ATen/Parallel.h>

#include <cmath>

#include "train/bench.h"
#include "train/bench_layer_work.h"
#include "train/bench_timing.h"

namespace moe {

Json shape_json(const LayerShape& shape) {
  return {{"tokens", shape.tokens},
          {"d_model", shape.d_model},
          {"d_hidden", shape.d_hidden},
          {"experts", shape.experts},
          {"k", shape.k}};
}

Json bench_layer(const LayerShape& shape, int64_t rounds, int64_t threads) {
  set_threads(threads);
  LayerWork selectors(shape, "kind: dselect_k, gamma: 1"), top_k(shape, "kind: top_k");
  {
    // Logits of deviation 50, a hundred half widths of the step: few bits are undecided.
    at::NoGradGuard no_grad;
    auto weight = selectors.gate().named_parameters()["bit_weight"];
    weight.copy_(Initializer(1).normal("decided", weight.sizes(),
                                       50 / std::sqrt(static_cast<double>(shape.d_model))));
  }
  auto layers = interleaved(
      "dselect_k_layer", [&] { selectors.layer_pass(); }, "top_k_layer", [&] { top_k.layer_pass(); },
      rounds);
  layers["slots_per_token"] = selectors.slots_per_token();
  layers["reference_slots_per_token"] = top_k.slots_per_token();
  auto gates = interleaved(
      "dselect_k_gate", [&] { selectors.gate_pass(); }, "top_k_gate", [&] { top_k.gate_pass(); },
      rounds);
  const auto share = [&](const char* key) {
    return gates[key].get<double>() / layers[key].get<double>();
  };
  gates["share_of_layer"] = share("seconds");
  gates["reference_share_of_layer"] = share("reference_seconds");
  return {{"bench", "layer"},
          {"threads", at::get_num_threads()},
          {"shape", shape_json(shape)},
          {"rows", {layers, gates}}};
}

}  // namespace moe

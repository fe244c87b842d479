#include <ATen/Parallel.h>

#include <cmath>

#include "configs/config_io.h"
#include "moe/make_moe_layer.h"
#include "train/bench.h"
#include "train/bench_timing.h"
#include "train/run_config.h"

namespace moe {
namespace {

// One layer and what goes through it.
class LayerWork {
 public:
  LayerWork(const LayerShape& shape, const std::string& gate) {
    const auto number = [](int64_t value) { return std::to_string(value); };
    const auto config = parse_config<RunConfig>(
        "model:\n  heads: 1\n  head_dim: 2\n  d_model: " + number(shape.d_model) +
            "\n  active_width: " + number(shape.k * shape.d_hidden) + "\n  moe: {experts: " +
            number(shape.experts) + ", gate: {" + gate + ", k: " + number(shape.k) +
            "}}\ndata: {train: none}\n",
        "bench");
    const Initializer init(1);
    layer_ = make_moe_layer(*config.model.moe, 0, shape.d_model, config.model.active_width,
                            Activation::kSwiglu, 1, init);
    x_ = init.normal("x", {shape.tokens, shape.d_model}, 1).requires_grad_(true);
    dy_ = init.normal("dy", x_.sizes(), 1);
    context_.token_ids = at::zeros({1, shape.tokens}, at::kLong);
    context_.training = true;
    context_.progress = 1;
    context_.diagnostics = false;
  }

  Gate& gate() { return layer_->gate(); }

  void layer_pass() {
    const auto out = layer_->forward(x_, context_);
    backward(out.y, dy_, out.aux);
  }

  void gate_pass() {
    const auto routing = route();
    backward(routing.weight, at::ones_like(routing.weight), routing.aux);
  }

  double slots_per_token() {
    at::NoGradGuard no_grad;
    return route().stats.live_slots.item<double>() / static_cast<double>(x_.size(0));
  }

 private:
  Routing route() { return gate().forward({x_, context_, context_.noise, ranks_}); }

  void backward(const Tensor& y, const Tensor& dy, const std::vector<AuxLoss>& aux) {
    std::vector<Tensor> roots = {y}, cotangents = {dy};
    for (const auto& loss : aux) {
      roots.push_back(loss.value);
      cotangents.push_back(at::full_like(loss.value, loss.coefficient));
    }
    torch::autograd::backward(roots, cotangents);
    x_.mutable_grad().reset();
    for (auto& parameter : layer_->parameters()) {
      parameter.mutable_grad().reset();
    }
  }

  std::shared_ptr<MoeLayer> layer_;
  Tensor x_, dy_;
  ForwardContext context_;
  OneRank ranks_;
};

}  // namespace

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
          {"shape",
           {{"tokens", shape.tokens},
            {"d_model", shape.d_model},
            {"d_hidden", shape.d_hidden},
            {"experts", shape.experts},
            {"k", shape.k}}},
          {"rows", {layers, gates}}};
}

}  // namespace moe

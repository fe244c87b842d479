#include "train/bench_layer_work.h"

#include "configs/config_io.h"
#include "train/run_config.h"

namespace moe {

LayerWork::LayerWork(const LayerShape& shape, const std::string& gate, const Layout& layout,
                     int64_t rank) {
  const auto number = [](int64_t value) { return std::to_string(value); };
  const auto config = parse_config<RunConfig>(
      "model:\n  heads: 1\n  head_dim: 2\n  d_model: " + number(shape.d_model) +
          "\n  active_width: " + number(shape.k * shape.d_hidden) + "\n  moe: {experts: " +
          number(shape.experts) + ", gate: {" + gate + ", k: " + number(shape.k) +
          "}}\ndata: {train: none}\n",
      "bench");
  const Initializer init(1);
  layer_ = make_moe_layer(*config.model.moe, 0, shape.d_model, config.model.active_width,
                          Activation::kSwiglu, 1, init, 0, layout);
  x_ = init.normal(rank == 0 ? "x" : "x" + number(rank), {shape.tokens, shape.d_model}, 1).requires_grad_(true);
  dy_ = init.normal("dy", x_.sizes(), 1);
  context_.token_ids = at::zeros({1, shape.tokens}, at::kLong);
  context_.training = true;
  context_.progress = 1;
  context_.diagnostics = false;
}

Routing LayerWork::route() { return gate().forward({x_, context_, context_.noise, ranks_}); }

void LayerWork::layer_pass() {
  const auto out = layer_->forward(x_, context_);
  backward(out.y, dy_, out.aux);
}

void LayerWork::gate_pass() {
  const auto routing = route();
  backward(routing.weight, at::ones_like(routing.weight), routing.aux);
}

double LayerWork::slots_per_token() {
  at::NoGradGuard no_grad;
  return route().stats.live_slots.item<double>() / static_cast<double>(x_.size(0));
}

void LayerWork::backward(const Tensor& y, const Tensor& dy, const std::vector<AuxLoss>& aux) {
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

}  // namespace moe

#include "moe/moe_layer.h"

namespace moe {

MoeLayer::MoeLayer(int64_t layer, std::shared_ptr<Gate> gate, std::shared_ptr<Experts> experts,
                   std::shared_ptr<Mlp> shared, std::unique_ptr<Dispatcher> dispatcher,
                   std::unique_ptr<RankScope> ranks)
    : layer_(layer), dispatcher_(std::move(dispatcher)), ranks_(std::move(ranks)) {
  gate_ = register_module("gate", std::move(gate));
  experts_ = register_module("experts", std::move(experts));
  if (shared) {
    shared_ = register_module("shared", std::move(shared));
  }
}

FeedForwardOutput MoeLayer::forward(const Tensor& x, const ForwardContext& context) {
  NoiseKey noise = context.noise;
  noise.layer = layer_;
  const auto routing = gate_->forward({x, context, noise, *ranks_});
  const auto dispatched = dispatcher_->run(x, routing, *experts_);

  auto report = std::make_shared<MoeReport>();
  report->layer = layer_;
  report->stats = routing.stats;
  report->stats.distribution = Tensor();  // a report may outlive the step
  if (context.keep_routing) {
    report->routing = {routing.expert, routing.weight.detach(), routing.stats.distribution};
  }
  report->rows_executed = dispatched.rows_executed;
  report->rows_recomputed = dispatched.rows_recomputed;
  report->host_syncs = routing.host_syncs + dispatched.host_syncs;
  auto y = shared_ ? dispatched.y + shared_->forward(x, context).y : dispatched.y;  // [T, D]
  if (routing.identity_weight.defined()) {
    y = y + (routing.identity_weight.unsqueeze(1) * x).to(y.scalar_type());
  }
  return {y, routing.aux, std::move(report)};
}

}  // namespace moe

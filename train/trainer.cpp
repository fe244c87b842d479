#include "train/trainer.h"

#include "train/context.h"
#include "train/schedule.h"

namespace moe {

Trainer::Trainer(const RunConfig& config, int64_t vocabulary, std::shared_ptr<const Dataset> data)
    : config_(config),
      device_(choose_device(config.train.device)),
      data_(std::move(data)),
      flops_(flops_per_token(config.model, vocabulary)) {
  const Initializer init(static_cast<uint64_t>(config.run.seed), at::kFloat, device_);
  model_ = build_model(config.model, vocabulary, init);
  std::vector<std::pair<std::string, Tensor>> parameters;
  for (const auto& item : model_.decoder->named_parameters()) {
    parameters.emplace_back(item.key(), item.value());
  }
  optimizer_ = std::make_unique<AdamW>(config.optimizer, parameters);
  live_slots_ = at::zeros({}, at::TensorOptions().dtype(at::kDouble).device(device_));
}

StepResult Trainer::step() {
  StepResult result;
  const int64_t rows = config_.rows_per_micro_step();
  for (int64_t micro = 0; micro < config_.train.accumulate; ++micro) {
    micro_step(micro, rows, result);
  }
  result.lr = learning_rate(config_.schedule, progress_.step + 1, config_.train.steps);
  result.grad_norm = optimizer_->step(result.lr);
  for (const auto& layer : model_.moe_layers) {
    layer->gate().end_step(result.gates.at(layer->layer()));
  }
  ++progress_.step;
  return result;
}

void Trainer::micro_step(int64_t number, int64_t rows, StepResult& result) {
  const auto batch = data_->batch(progress_.row, rows);
  auto context = make_context(batch, device_);
  context.step = progress_.step;
  context.progress =
      static_cast<double>(progress_.step) / static_cast<double>(config_.train.steps);
  context.noise = {static_cast<uint64_t>(config_.run.seed), progress_.step, 0,
                   number * rows * batch.length};
  context.training = true;

  const auto out = model_.decoder->forward(context);
  // Every position of a causal row is scored, so micro-steps weigh the same.
  const double share = 1.0 / static_cast<double>(config_.train.accumulate);
  const auto loss = cross_entropy_sum(out.logits, make_targets(batch, device_)) *
                    (share / static_cast<double>(batch.target_tokens));
  auto total = loss;
  for (const auto& aux : out.aux) {
    total = total + aux.value * (aux.coefficient * share);
  }
  total.backward();

  result.loss = result.loss.defined() ? result.loss + loss.detach() : loss.detach();
  for (const auto& aux : out.aux) {
    auto& mean = result.aux[aux.name];
    mean.value = mean.count++ == 0 ? aux.value.detach() : mean.value + aux.value.detach();
  }
  for (const auto& report : out.reports) {
    if (const auto* moe = dynamic_cast<const MoeReport*>(report.get())) {
      result.gates[moe->layer] += moe->stats;
      live_slots_ = live_slots_ + moe->stats.live_slots;
      rows_executed_ += static_cast<double>(moe->rows_executed);
    }
  }
  progress_.row += rows;
  const double positions = static_cast<double>(rows * batch.length);
  progress_.tokens += positions;
  progress_.target_tokens += static_cast<double>(batch.target_tokens);
  counted_tokens_ += positions;
}

void Trainer::count_flops() {
  const double live = live_slots_.item<double>();
  const double per_token = 3 * (flops_.attention + flops_.other);
  progress_.flops += counted_tokens_ * per_token + 3 * live * flops_.per_slot;
  progress_.flops_executed += counted_tokens_ * per_token + 3 * rows_executed_ * flops_.per_slot;
  progress_.flops_attention += counted_tokens_ * 3 * flops_.attention;
  live_slots_ = at::zeros_like(live_slots_);
  rows_executed_ = counted_tokens_ = 0;
}

}  // namespace moe

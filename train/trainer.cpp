#include "train/trainer.h"

#include <ATen/OpMathType.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "train/context.h"
#include "train/parameter_groups.h"
#include "train/schedule.h"

namespace moe {

void check_parameter_groups(const RunConfig& config, int64_t vocabulary) {
  const auto model = build_model(config.model, vocabulary, Initializer(0, at::kFloat, at::kMeta));
  std::vector<std::string> names;
  for (const auto& item : model.decoder->named_parameters()) {
    names.push_back(item.key());
  }
  parameter_rules(config.optimizer, names);
}

Trainer::Trainer(const RunConfig& config, int64_t vocabulary, std::shared_ptr<const Dataset> data)
    : config_(config),
      device_(choose_device(config.train.device)),
      data_(std::move(data)),
      flops_(flops_per_token(config.model, vocabulary)) {
  const Initializer init(static_cast<uint64_t>(config.run.seed), at::kFloat, device_);
  model_ = build_model(config.model, vocabulary, init);
  weights_ = MasterWeights(*model_.decoder, config.train.dtype);
  optimizer_ = std::make_unique<AdamW>(config.optimizer, weights_.tensors());
  for (const auto& item : model_.decoder->named_parameters()) {
    item.value().set_requires_grad(!optimizer_->frozen(item.key()));
  }
  live_flops_ = at::zeros({}, at::TensorOptions().dtype(at::kDouble).device(device_));
}

StepResult Trainer::step() {
  StepResult result;
  result.first_row = progress_.row;
  const int64_t rows = config_.rows_per_micro_step();
  for (int64_t micro = 0; micro < config_.train.accumulate; ++micro) {
    micro_step(micro, rows, result);
    weights_.collect_gradients();
  }
  result.rows = progress_.row - result.first_row;
  result.step = ++progress_.step;
  result.lr = learning_rate(config_.schedule, result.step, config_.train.steps);
  result.grad_norm = optimizer_->gradient_norm();
  // Two scalars that the host has to know before it may update: free on a CPU; on a GPU the one time
  // in a step that it waits for all work queued so far.
  result.verdict = progress_.bad_steps.judge(
      result.loss.item<double>(), result.grad_norm.item<double>(), config_.train.spike);
  if (result.verdict != Verdict::kGood) {
    result.problem = describe_problem(result);
    optimizer_->drop_gradients();
    return result;
  }
  optimizer_->step(result.lr, result.grad_norm);
  weights_.publish();
  end_gates_step(result);
  return result;
}

void Trainer::end_gates_step(const StepResult& result) {
  std::map<std::string, GateStats> by_kind;
  const auto kind = [this](int64_t layer) {  // and k: a gate that steers to a mean steers to its own k
    const auto& moe = *config_.model.moe;
    return moe.gate_of(layer).kind + " " + std::to_string(moe.slots(layer));
  };
  for (const auto& [layer, stats] : result.gates) {
    auto sums = stats;
    sums.gate.clear();  // figures of one layer, lists of any length
    by_kind[kind(layer)] += sums;
  }
  for (const auto& layer : model_.moe_layers) {
    const int64_t number = layer->layer();
    layer->gate().end_step({result.gates.at(number), by_kind.at(kind(number))});
  }
}

std::string Trainer::describe_problem(const StepResult& result) const {
  constexpr size_t kNamed = 3;
  const double loss = result.loss.item<double>();
  char text[96];
  if (result.verdict == Verdict::kSpike) {
    std::snprintf(text, sizeof text, "the loss %.4g is far above the last %zu", loss,
                  progress_.bad_steps.recent.size());
    return text;
  }
  if (!std::isfinite(loss)) {
    std::snprintf(text, sizeof text, "the loss is not finite (%f)", loss);
    return text;
  }
  const auto names = optimizer_->nonfinite_gradients();
  if (names.empty()) {
    return "the norm of the gradients is too large for float32";
  }
  std::string list;
  for (size_t i = 0; i < std::min(names.size(), kNamed); ++i) {
    list += (i > 0 ? ", " : "") + names[i];
  }
  if (names.size() > kNamed) {
    list += " and " + std::to_string(names.size() - kNamed) + " others";
  }
  return "the gradient is not finite of " + list;
}

std::string Trainer::nonfinite_parameter() const {
  for (const auto& [name, tensor] : weights_.tensors()) {
    if (!tensor.isfinite().all().item<bool>()) {
      return name;
    }
  }
  return "";
}

void Trainer::micro_step(int64_t number, int64_t rows, StepResult& result) {
  const auto batch = data_->batch(progress_.row, rows);
  auto context = make_context(batch, device_);
  context.step = progress_.step;
  context.progress = share_done(progress_.step, config_.train.steps);
  context.noise = {static_cast<uint64_t>(config_.run.seed), progress_.step, 0,
                   number * rows * batch.length};
  context.training = true;
  const int64_t step = progress_.step + 1;  // its number, from 1
  context.diagnostics = config_.log.diagnostics &&
                        (step % config_.log.every == 0 || step == config_.train.steps);

  auto out = model_.decoder->forward(context, config_.train.recompute);
  const auto targets = make_targets(batch, device_);
  const auto logits = out.logits.to(at::toOpMathType(out.logits.scalar_type()));  // cast once
  if (config_.train.logit_z_loss > 0) {
    out.aux.push_back({"logit_z_loss",
                       logit_z_loss_sum(logits, targets) / static_cast<double>(batch.target_tokens),
                       config_.train.logit_z_loss});
  }
  // Every position of a causal row is scored, so micro-steps weigh the same.
  const double share = 1.0 / static_cast<double>(config_.train.accumulate);
  const auto loss = cross_entropy_sum(logits, targets) *
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
      const double per_slot = flops_.per_slot(moe->layer);
      live_flops_ = live_flops_ + moe->stats.live_slots * per_slot;
      // Recompute of layers runs them forward once more.
      const double passes = config_.train.recompute ? 4 : 3;
      executed_flops_ += (passes * static_cast<double>(moe->rows_executed) + moe->rows_recomputed) *
                         per_slot;
    }
  }
  progress_.row += rows;
  const double positions = static_cast<double>(rows * batch.length);
  progress_.tokens += positions;
  progress_.target_tokens += static_cast<double>(batch.target_tokens);
  counted_tokens_ += positions;
}

void Trainer::count_flops() {
  const double per_token = 3 * (flops_.attention + flops_.other);
  progress_.flops += counted_tokens_ * per_token + 3 * live_flops_.item<double>();
  // Recompute runs every layer forward once more, the output head not.
  const double again = config_.train.recompute ? 1 : 0;
  progress_.flops_executed +=
      counted_tokens_ * (per_token + again * (flops_.attention + flops_.other - flops_.head)) +
      executed_flops_;
  progress_.flops_attention += counted_tokens_ * 3 * flops_.attention;
  live_flops_ = at::zeros_like(live_flops_);
  executed_flops_ = counted_tokens_ = 0;
}

}  // namespace moe

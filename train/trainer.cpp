#include "train/trainer.h"

#include <ATen/OpMathType.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "data/tokenizer.h"
#include "moe/world_ranks.h"
#include "train/agree.h"
#include "train/context.h"
#include "train/parameter_groups.h"
#include "train/schedule.h"
#include "train/sum_together.h"

namespace moe {
void check_parameter_groups(const RunConfig& config, int64_t vocabulary) {
  const auto model = build_model(config.model, vocabulary, Initializer(0, at::kFloat, at::kMeta));
  std::vector<std::string> names;
  for (const auto& item : model.decoder->named_parameters()) {
    names.push_back(item.key());
  }
  parameter_rules(config.optimizer, names);
}

Trainer::Trainer(const RunConfig& config, int64_t vocabulary, std::shared_ptr<const Dataset> data,
                 const Mesh& mesh, int64_t local_rank)
    : config_(config),
      mesh_(mesh),
      device_(choose_device(config.train.device, local_rank)),
      data_(std::move(data)),
      flops_(flops_per_token(config.model, vocabulary)) {
  const Initializer init(static_cast<uint64_t>(config.run.seed), original_dtype(config.train.dtype),
                         device_);
  const auto& parallel = config.parallel;
  model_ = build_model(config.model, vocabulary, init, {mesh, parallel.overlap_chunks});
  weights_ = MasterWeights(*model_.decoder, config.train.dtype);
  optimizer_ = std::make_unique<AdamW>(
      config.optimizer, weights_.tensors(),
      OptimizerLayout{mesh, parallel.shard_optimizer, parallel.bucket_mib});
  for (const auto& item : model_.decoder->named_parameters()) {
    item.value().set_requires_grad(!optimizer_->frozen(item.key()));
  }
  gradient_sum_ = std::make_unique<GradientSum>(weights_, mesh, parallel.bucket_mib);
  live_flops_ = at::zeros({}, at::TensorOptions().dtype(at::kDouble).device(device_));
}

SpecialIds Trainer::special_ids() const {
  return special_ids_for(objective_config(config_.objective), make_tokenizer(config_.data.tokenizer)->special_ids());
}

StepResult Trainer::gradients(bool stop) {
  StepResult result;
  result.first_row = progress_.row;
  StepAmounts amounts;
  const auto batches = read_micro_batches(*data_, mesh_, progress_.row, config_.rows_per_micro_step(),
                                          config_.train.accumulate, amounts);
  counted_ += amounts;
  step_executed_ = 0;
  for (size_t micro = 0; micro < batches.size(); ++micro) {
    if (micro + 1 == batches.size()) {
      gradient_sum_->begin();
    }
    micro_step(static_cast<int64_t>(micro), batches[micro], amounts.target_tokens, result);
    gradient_sum_->finish();
  }
  result.rows = progress_.row - result.first_row;
  result.packing = amounts.tokens / amounts.positions;
  progress_.tokens += amounts.tokens;
  progress_.target_tokens += amounts.target_tokens;
  add_up(result, stop);
  result.grad_norm = optimizer_->gradient_norm();
  return result;
}

StepResult Trainer::step(bool stop) {
  auto result = gradients(stop);
  result.step = ++progress_.step;
  result.lr = learning_rate(config_.schedule, result.step, config_.train.steps);
  judge(result);
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

void Trainer::add_up(StepResult& result, bool stop) {
  result.stop = stop;
  if (!mesh_.alone()) {
    const auto options = at::TensorOptions().dtype(at::kDouble).device(device_);
    auto loss = result.loss.to(at::kDouble), asked = at::full({}, stop ? 1.0 : 0.0, options),
         executed = at::full({}, step_executed_, options);
    std::vector<Tensor*> all = {&loss, &asked, &executed};
    for (auto& [layer, stats] : result.gates) {
      const auto more = summed_tensors(stats);
      all.insert(all.end(), more.begin(), more.end());
    }
    sum_together(*mesh_.world, all, "the figures of a step");
    result.loss = loss;
    result.stop = asked.item<double>() > 0;
    step_executed_ = executed.item<double>();
  }
  executed_flops_ += step_executed_;
  for (const auto& [layer, stats] : result.gates) {
    live_flops_ = live_flops_ + stats.live_slots * flops_.per_slot(layer);
  }
}

// Two scalars that the host has to know before it may update: free on a CPU; on a GPU the one time in a
// step that it waits for all work queued so far. All ranks judge by the first one's.
void Trainer::judge(StepResult& result) {
  const auto both = at::stack({result.loss.to(at::kDouble), result.grad_norm.to(at::kDouble)});
  if (!mesh_.alone()) {
    mesh_.world->broadcast(both, 0, "the verdict on a step").wait();
    result.loss = both[0];
    result.grad_norm = both[1].to(result.grad_norm.scalar_type());
  }
  const auto on_host = both.cpu();
  result.verdict = progress_.bad_steps.judge(on_host[0].item<double>(), on_host[1].item<double>(),
                                             config_.train.spike);
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
  auto names = optimizer_->nonfinite_gradients();
  // Experts on other ranks have the same names and other values.
  names = gather_names(*mesh_.control, names, "the names of bad gradients");
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
  std::vector<std::string> names;
  for (const auto& [name, tensor] : weights_.tensors()) {
    if (names.empty() && !tensor.isfinite().all().item<bool>()) {
      names.push_back(name);
    }
  }
  names = gather_names(*mesh_.control, names, "the names of bad parameters");
  return names.empty() ? "" : names.front();
}

std::vector<TensorPart> Trainer::model_parts() {
  std::vector<TensorPart> parts;
  for (const auto& [name, tensor] : weights_.tensors()) {
    const auto place = place_of(name, tensor, mesh_);
    parts.push_back({name, tensor, place.shape, place.begin, place.holders->rank(),
                     place.holders->size()});
  }
  for (const auto& item : model_.decoder->named_buffers()) {
    parts.push_back({item.key(), item.value(), item.value().sizes().vec(), 0, mesh_.rank(),
                     mesh_.ranks()});
  }
  return parts;
}

void Trainer::micro_step(int64_t number, const MicroBatch& micro, double target_tokens,
                         StepResult& result) {
  const auto& batch = micro.batch;
  const int64_t before = span_of(micro.rows, mesh_.rank(), mesh_.ranks()).begin * batch.length;
  auto context = make_context(batch, device_);
  context.step = progress_.step;
  context.progress = share_done(progress_.step, config_.train.steps);
  context.world_tokens = micro.rows * batch.length;
  context.tokens_before = before;
  context.noise = {static_cast<uint64_t>(config_.run.seed), progress_.step, 0,
                   number * context.world_tokens + before};
  context.training = true;
  const int64_t step = progress_.step + 1;  // its number, from 1
  context.diagnostics = config_.log.diagnostics &&
                        (step % config_.log.every == 0 || step == config_.train.steps);

  auto out = model_.decoder->forward(context, config_.train.recompute);
  const auto targets = make_targets(batch, device_);
  const auto logits = out.logits.to(at::toOpMathType(out.logits.scalar_type()));  // cast once
  const double share = 1.0 / static_cast<double>(config_.train.accumulate);
  if (config_.train.logit_z_loss > 0) {
    out.aux.push_back({"logit_z_loss",
                       WorldRanks(mesh_.world).sum(logit_z_loss_sum(logits, targets)) /
                           (target_tokens * share),
                       config_.train.logit_z_loss});
  }
  const auto loss = cross_entropy_sum(logits, targets) / target_tokens;
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
      // Recompute of layers runs them forward once more.
      const double passes = config_.train.recompute ? 4 : 3;
      step_executed_ += (passes * static_cast<double>(moe->rows_executed) + moe->rows_recomputed) *
                        flops_.per_slot(moe->layer);
    }
  }
  progress_.row += micro.rows;
}

void Trainer::count_flops() {
  const double attention = counted_.allowed_pairs * flops_.attention_per_pair;
  progress_.flops += 3 * (counted_.tokens * flops_.other + attention + live_flops_.item<double>());
  progress_.flops_attention += 3 * attention;
  // Recompute runs every layer forward once more, the output head not.
  const double passes = config_.train.recompute ? 4 : 3;
  progress_.flops_executed +=
      counted_.positions * (passes * flops_.other - (passes - 3) * flops_.head) +
      passes * counted_.executed_pairs * flops_.attention_per_pair + executed_flops_;
  live_flops_ = at::zeros_like(live_flops_);
  executed_flops_ = 0;
  counted_ = {};
}

}  // namespace moe

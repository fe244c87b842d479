#include "train/diagnose/route_pass.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "gates/load_metrics.h"
#include "train/context.h"
#include "train/routed/token_classes.h"

namespace moe {
namespace {

// Of several sources each by its share of the training rows.
void each_batch(const RunConfig& config, const std::vector<ValidationRows>& sources,
                int64_t tokens, const std::function<void(const Batch&, size_t)>& use) {
  const double length = static_cast<double>(config.model.context);
  const int64_t rows = config.rows_per_micro_step();
  for (size_t source = 0; source < sources.size(); ++source) {
    const auto share = static_cast<int64_t>(
        std::ceil(static_cast<double>(tokens) * sources[source].share / length));
    const auto& data = *sources[source].rows;
    const int64_t wanted = std::min(std::max<int64_t>(1, share), data.rows_per_epoch());
    for (int64_t row = 0; row < wanted; row += rows) {
      use(data.batch(row, std::min(rows, wanted - row)), source);
    }
  }
}

ForwardContext context_of(const RoutedModel& reader, const Batch& batch, at::Device device) {
  auto context = make_context(batch, device);
  context.progress = reader.progress;
  return context;
}

Tensor classes_of(const Batch& batch, at::Device device) {
  std::vector<int64_t> classes(batch.tokens.size());
  std::transform(batch.tokens.begin(), batch.tokens.end(), classes.begin(), byte_class);
  return at::tensor(classes, at::kLong).to(device);  // [T]
}

// By layer.
std::map<int64_t, const MoeReport*> reports_of(const DecoderOutput& out) {
  std::map<int64_t, const MoeReport*> reports;
  for (const auto& report : out.reports) {
    if (const auto* layer = dynamic_cast<const MoeReport*>(report.get())) {
      reports[layer->layer] = layer;
    }
  }
  return reports;
}

LayerPass new_layer(int64_t layer, const RoutedModel& reader,
                    const std::vector<ValidationRows>& sources, const PassOptions& options) {
  const auto& moe = *reader.config.model.moe;
  std::vector<std::string> names;
  for (const auto& source : sources) names.push_back(source.name);
  if (names.size() == 1) names.clear();
  LayerPass pass;
  pass.tally.emplace(moe.experts, std::move(names));
  if (options.ranks > 0) pass.ranks.emplace(options.ranks);
  if (options.reference != nullptr) {
    pass.agreement.emplace(moe.experts, moe.slots(layer),
                           options.reference->config.model.moe->slots(layer));
  }
  return pass;
}

}  // namespace

RoutePass read_text(RoutedModel& reader, const std::vector<ValidationRows>& sources, at::Device device,
                    const PassOptions& options) {
  at::NoGradGuard no_grad;
  RoutePass pass;
  each_batch(reader.config, sources, options.tokens, [&](const Batch& batch, size_t source) {
    auto context = context_of(reader, batch, device);
    context.keep_routing = true;
    const auto out = reader.model.decoder->forward(context);
    DecoderOutput reference;
    if (options.reference != nullptr) {
      auto of_reference = context;
      of_reference.progress = options.reference->progress;
      reference = options.reference->model.decoder->forward(of_reference);
    }
    pass.loss += cross_entropy_sum(out.logits, make_targets(batch, device)).item<double>();
    pass.targets += static_cast<double>(batch.target_tokens);
    pass.tokens += batch.rows * batch.length;
    ++pass.batches;
    if (options.dump != nullptr) options.dump->add_tokens(batch, static_cast<int64_t>(source));
    const auto classes = classes_of(batch, device);
    const auto valid = context.valid.defined() ? context.valid.flatten() : Tensor();
    const auto theirs = reports_of(reference);
    for (const auto& [number, report] : reports_of(out)) {
      auto& layer = pass.layers.try_emplace(number).first->second;
      if (!layer.tally) layer = new_layer(number, reader, sources, options);
      layer.sums += report->stats;
      const auto load = load_metrics(report->stats);
      layer.max_vio += load.max_vio;
      layer.tally->add(*report->routing, classes, source, valid);
      if (layer.ranks) layer.ranks->add(load.tokens_per_expert);
      if (layer.agreement) {
        layer.agreement->add(*report->routing, *theirs.at(number)->routing, valid);
      }
      if (options.dump != nullptr) options.dump->add_layer(number, *report->routing);
    }
  });
  return pass;
}

std::map<int64_t, GateStats> read_with_capacity(RoutedModel& reader,
                                                const std::vector<ValidationRows>& sources,
                                                at::Device device, int64_t tokens) {
  at::NoGradGuard no_grad;
  std::map<int64_t, GateStats> sums;
  each_batch(reader.config, sources, tokens, [&](const Batch& batch, size_t) {
    auto context = context_of(reader, batch, device);
    context.training = true;
    const auto out = reader.model.decoder->forward(context);
    for (const auto& [number, report] : reports_of(out)) sums[number] += report->stats;
  });
  return sums;
}

}  // namespace moe

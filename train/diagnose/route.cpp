#include "train/diagnose/route.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "configs/config_io.h"
#include "data/open_data.h"
#include "data/printable.h"
#include "data/text_dataset.h"
#include "data/text_file.h"
#include "data/tokenizer.h"
#include "train/checkpoint.h"
#include "train/checkpoint_state.h"
#include "train/context.h"
#include "train/diagnose/keys.h"
#include "train/master_weights.h"
#include "train/model.h"

namespace moe {
namespace {

std::vector<ValidationRows> text_of(const RunConfig& config, const std::string& path) {
  const int64_t length = config.model.context;
  if (path.empty()) {
    try {
      return open_data(config.data, length, static_cast<uint64_t>(config.run.seed)).valid;
    } catch (const UserError& problem) {
      throw RunError(std::string(problem.what()) +
                     "\nThe run's own text is looked for as its config names it, from the folder "
                     "moe-diagnose is called in; --data FILE routes another one");
    }
  }
  auto file = std::make_shared<const TextFile>(path, "--data", config.data.cache);
  if (file->bytes() < length + 1) {
    throw RunError("--data: " + in_quotes(path) + ": expected at least " +
                   std::to_string(length + 1) + " bytes, one row of the model and a target, found " +
                   std::to_string(file->bytes()) + "; give a longer text");
  }
  TextRun run;
  run.append(*file, 0, file->bytes());
  Documents documents;
  documents.divide = config.data.documents != "none";
  if (config.data.documents == "separator") documents.separator = config.data.separator;
  return {{"", 1, TextDataset::for_validation({run}, length, file, documents)}};
}

// What each layer did over some batches.
struct Pass {
  std::map<int64_t, GateStats> sums;
  std::map<int64_t, double> max_vio;  // summed over batches
  int64_t batches = 0, tokens = 0;
  double loss = 0, targets = 0;
};

void add_batch(Model& model, const Batch& batch, at::Device device, bool with_capacity,
               Pass& pass) {
  auto context = make_context(batch, device);
  context.progress = 1;
  context.training = with_capacity;
  const auto out = model.decoder->forward(context);
  pass.loss += cross_entropy_sum(out.logits, make_targets(batch, device)).item<double>();
  pass.targets += static_cast<double>(batch.target_tokens);
  pass.tokens += batch.rows * batch.length;
  ++pass.batches;
  for (const auto& report : out.reports) {
    if (const auto* layer = dynamic_cast<const MoeReport*>(report.get())) {
      pass.sums[layer->layer] += layer->stats;
      pass.max_vio[layer->layer] += load_metrics(layer->stats).max_vio;
    }
  }
}

// Of several sources each by its share of the training rows.
Pass route(Model& model, const RunConfig& config, const std::vector<ValidationRows>& sources,
           int64_t tokens, at::Device device, bool with_capacity) {
  at::NoGradGuard no_grad;
  const double length = static_cast<double>(config.model.context);
  const int64_t rows = config.rows_per_micro_step();
  Pass pass;
  for (const auto& source : sources) {
    const auto share = static_cast<int64_t>(
        std::ceil(static_cast<double>(tokens) * source.share / length));
    const int64_t wanted = std::min(std::max<int64_t>(1, share), source.rows->rows_per_epoch());
    for (int64_t row = 0; row < wanted; row += rows) {
      add_batch(model, source.rows->batch(row, std::min(rows, wanted - row)), device,
                with_capacity, pass);
    }
  }
  return pass;
}

}  // namespace

RoutedText route_text(const std::string& path, const RouteOptions& options) {
  RoutedText routed;
  routed.checkpoint = find_checkpoint(path);
  const auto yaml = checkpoint_config(routed.checkpoint);
  const auto place = routed.checkpoint + "/state.json";
  routed.config = parse_config<RunConfig>(yaml, place);
  routed.step = state_step(routed.checkpoint);
  routed.text = options.data.empty() ? "the run's validation rows" : printable(options.data);

  // The second pass is one of training, for the capacity's sake: its noise is switched off.
  const auto values = config_values(routed.config);
  const auto& moe = routed.config.model.moe;
  std::vector<std::string> without_noise;
  bool limited = false;
  for (const int64_t layer : moe ? moe->expert_layers(routed.config.model.layers)
                                 : std::vector<int64_t>{}) {
    const auto prefix = gate_prefix(*moe, layer);
    limited |= is_above_zero(values, prefix + "capacity_factor");
    if (is_above_zero(values, prefix + "jitter")) without_noise.push_back(prefix + "jitter=0");
  }
  const auto config = parse_config<RunConfig>(yaml, place, without_noise);
  const auto data = text_of(config, options.data);
  const auto device = choose_device("auto");
  const auto vocabulary = make_tokenizer(config.data.tokenizer)->vocabulary();
  auto model = build_model(config.model, vocabulary, Initializer(0, at::kFloat, device));
  load_parameters(routed.checkpoint, *model.decoder);
  const MasterWeights rounded(*model.decoder, config.train.dtype);  // routes as it was trained

  const auto free = route(model, config, data, options.tokens, device, false);
  routed.tokens = free.tokens;
  routed.loss = free.loss / free.targets;
  Pass full;
  if (limited) full = route(model, config, data, options.tokens, device, true);
  for (const auto& [number, stats] : free.sums) {
    LayerDiagnosis layer;
    layer.layer = number;
    layer.gate_kind = config.model.moe->gate_of(number).kind;
    layer.experts = config.model.moe->experts;
    layer.k = config.model.moe->slots(number);
    layer.load = load_metrics(stats);
    layer.max_vio_batch = free.max_vio.at(number) / static_cast<double>(free.batches);
    layer.batches = free.batches;
    if (limited) layer.limited = load_metrics(full.sums.at(number));
    note_unusable(layer);
    routed.layers.push_back(std::move(layer));
  }
  return routed;
}

}  // namespace moe

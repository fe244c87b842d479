#include "train/dry_run.h"

#include <cstdio>

#include "data/tokenizer.h"
#include "train/flops.h"
#include "train/model.h"

namespace moe {
namespace {

// Values that one token's forward leaves behind for backward, per layer and for the head. Counts what
// autograd saves: norm inputs and outputs, qkv before and after rotation, attention's output, and of a
// feed-forward the rows, gate and up, silu, product and output.
double saved_values_per_token(const ModelConfig& m, int64_t vocabulary, double slots) {
  const double D = static_cast<double>(m.d_model);
  const double HC = static_cast<double>(m.heads * m.head_width());
  const double GC = static_cast<double>(m.kv_heads_or_heads() * m.head_width());
  const double attention = 4 * D + 3 * HC + 4 * GC;
  const double width = static_cast<double>(m.moe ? m.moe->expert_width(m.active_width) : m.active_width);
  const double feed_forward = slots * (4 * width + (m.moe ? 2 * D : 0)) + D;
  return static_cast<double>(m.layers) * (attention + feed_forward) +
         3 * static_cast<double>(vocabulary);
}

}  // namespace

Json dry_run(const RunConfig& config) {
  const auto vocabulary = make_tokenizer(config.data.tokenizer)->vocabulary();
  // The meta device knows shapes and holds no memory, so any size can be asked about.
  const auto model = build_model(config.model, vocabulary, Initializer(0, at::kFloat, at::kMeta));
  const auto parameters = count_parameters(config.model, *model.decoder);
  const auto flops = flops_per_token(config.model, vocabulary);
  const double micro_tokens =
      static_cast<double>(config.rows_per_micro_step() * config.model.context);
  double most = 1;  // expert rows of a token at the time when they are most
  if (config.model.moe) {
    const auto& moe = *config.model.moe;
    most = static_cast<double>(moe.dispatch == "dense" ? moe.experts
                                                       : gate_config(moe.gate).first_slots(moe.experts));
  }
  const double activations =
      4 * micro_tokens * saved_values_per_token(config.model, vocabulary, most);
  return {{"parameters", {{"total", parameters.total}, {"active", parameters.active}}},
          {"flops_per_token",
           {{"forward", flops.training_once_sparse() / 3}, {"training", flops.training_once_sparse()}}},
          {"tokens", static_cast<double>(config.train.steps) * static_cast<double>(config.train.batch_tokens)},
          {"memory_bytes",
           {{"parameters", 4 * parameters.total},
            {"gradients", 4 * parameters.total},
            {"optimizer", 8 * parameters.total},
            {"activations", activations},
            {"total", 16.0 * static_cast<double>(parameters.total) + activations}}}};
}

std::string dry_run_text(const Json& report) {
  const auto number = [&](const char* path) {
    return report.at(nlohmann::ordered_json::json_pointer(path)).get<double>();
  };
  char text[512];
  std::snprintf(text, sizeof text,
                "parameters        %.3f M, active %.3f M\n"
                "FLOPs per token   %.3f M forward, %.3f M in training, once the gate is sparse\n"
                "tokens            %.3f M\n"
                "memory, estimated %.0f MiB: parameters %.0f, gradients %.0f, optimizer %.0f, "
                "activations %.0f\n",
                number("/parameters/total") / 1e6, number("/parameters/active") / 1e6,
                number("/flops_per_token/forward") / 1e6, number("/flops_per_token/training") / 1e6,
                number("/tokens") / 1e6, number("/memory_bytes/total") / 1048576,
                number("/memory_bytes/parameters") / 1048576,
                number("/memory_bytes/gradients") / 1048576,
                number("/memory_bytes/optimizer") / 1048576,
                number("/memory_bytes/activations") / 1048576);
  return text;
}

}  // namespace moe

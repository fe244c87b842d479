#include "train/size_config.h"

#include <cstdio>
#include <string>

#include "layers/activation_config.h"
#include "train/run_config.h"

namespace moe {
namespace {

constexpr double kMostBytes = 0x1p60;

double number(int64_t value) { return static_cast<double>(value); }

std::string rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1e", value);
  return text;
}

}  // namespace

double least_parameters(const ModelConfig& m, int64_t parts) {
  const double attention = 2 * number(m.d_model) * number(m.head_width()) *
                           number(m.heads + m.kv_heads_or_heads());
  const double unit = number(matrices(activation_of(m.activation))) * number(m.d_model);
  double parameters = number(m.layers) * attention;
  for (int64_t layer = 0; layer < m.layers; ++layer) {
    parameters += m.moe && m.moe->has_experts(layer)
                      ? unit * (number(m.moe->experts) / number(parts) + number(m.moe->shared_experts)) *
                            number(m.moe->expert_width(layer, m.active_width))
                      : unit * number(m.active_width);
  }
  return parameters;
}

double least_bytes(const RunConfig& config, int64_t ranks) {
  const double moments = config.parallel.shard_optimizer ? 2 / number(ranks) : 2;
  const double original = config.train.dtype == "fp64" ? 8 : 4;
  const double of_parameter = config.optimizer.groups.empty() ? original * (2 + moments) : original;
  const double of_value = config.train.dtype == "bf16" ? 2 : original;
  const double micro_tokens =
      number(config.train.batch_tokens) / number(config.train.accumulate) / number(ranks);
  return of_parameter * least_parameters(config.model, ranks == 1 ? 1 : config.parallel.expert) +
         of_value * micro_tokens * number(config.model.d_model) * number(config.model.layers);
}

void check_sizes(const RunConfig& config, Rules& rules) {
  const double parameters = least_parameters(config.model);
  const bool too_many = 16 * parameters > kMostBytes;
  rules.require(!too_many, "model",
                "layers x experts x d_model x width: expected less than 2^56 parameters, found " +
                    rounded(parameters) + ": lower one of these");
  rules.require(too_many || least_bytes(config) <= kMostBytes, "train.batch_tokens",
                "one micro-step, batch_tokens / accumulate tokens in model.layers layers of "
                "model.d_model: expected less than 2^60 bytes, found " +
                    rounded(least_bytes(config)) + ": lower one of these or raise accumulate");
}

}  // namespace moe

#include "train/dry_run_layout.h"

#include <cmath>
#include <map>

#include "configs/errors.h"
#include "train/optimizer.h"
#include "train/tensor_file.h"

namespace moe {
namespace {

std::string words(int64_t value) { return std::to_string(value); }

}  // namespace

RankLayout rank_layout(const RunConfig& config, int64_t ranks, int64_t per_node) {
  const int64_t N = config.parallel.expert;
  if (ranks % N != 0) {
    throw ConfigError("--ranks: expected a multiple of parallel.expert (" + words(N) + "), found " +
                      words(ranks) + ": take " + words((ranks / N + 1) * N) + ", or lower parallel.expert");
  }
  const int64_t P = per_node == 0 ? ranks : per_node;
  if (P > ranks || ranks % P != 0) {
    throw ConfigError("--ranks-per-node: expected a divisor of the " + words(ranks) +
                      " of --ranks, found " + words(P) +
                      ": nodes with equally many ranks are what this counts with");
  }
  return {ranks, N, P};
}

double Holdings::values() const {
  double sum = 0;
  for (const auto& parameter : parameters) {
    sum += parameter.values;
  }
  return sum;
}

double Holdings::trained_values() const {
  double sum = 0;
  for (const auto& parameter : parameters) {
    sum += parameter.frozen ? 0 : parameter.values;
  }
  return sum;
}

Holdings holdings(const RunConfig& config, const Decoder& decoder, const RankLayout& layout) {
  NamedTensors tensors;
  std::map<std::string, size_t> number;
  for (const auto& item : decoder.named_parameters()) {
    number[item.key()] = tensors.size();
    tensors.emplace_back(item.key(), item.value());
  }
  const AdamW optimizer(config.optimizer, tensors);  // moments on the device of the parameters
  Holdings held;
  for (const auto& [name, tensor] : tensors) {
    HeldParameter parameter;
    parameter.spread = layout.expert > 1 && belongs_to_experts(name);
    parameter.values = static_cast<double>(tensor.numel()) /
                       static_cast<double>(parameter.spread ? layout.expert : 1);
    parameter.holders = parameter.spread ? layout.data() : layout.ranks;
    parameter.frozen = optimizer.frozen(name);
    held.parameters.push_back(parameter);
  }
  const std::string prefix = "exp_avg.";
  for (const auto& part : optimizer.state()) {
    if (part.name.rfind(prefix, 0) == 0) {
      held.updated.push_back(number.at(part.name.substr(prefix.size())));
    }
  }
  return held;
}

double updated_values(const RunConfig& config, const HeldParameter& parameter) {
  return config.parallel.shard_optimizer
             ? std::ceil(parameter.values / static_cast<double>(parameter.holders))
             : parameter.values;
}

double original_bytes(const RunConfig& config) { return config.train.dtype == "fp64" ? 8 : 4; }

double model_bytes(const RunConfig& config) {
  return config.train.dtype == "bf16" ? 2 : original_bytes(config);
}

}  // namespace moe

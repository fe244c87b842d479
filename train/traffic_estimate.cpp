#include "train/traffic_estimate.h"

#include <algorithm>

#include "moe/expert_exchange.h"

namespace moe {
namespace {

double real(int64_t value) { return static_cast<double>(value); }

HandedOver handed_over(double bytes, double share) { return {bytes, bytes * share}; }

HandedOver operator+(const HandedOver& a, const HandedOver& b) {
  return {a.bytes + b.bytes, a.between_nodes + b.between_nodes};
}

struct Passes {
  double forward = 1, backward = 1;  // of a layer in one optimizer step
};

TrafficEstimate::Layer layer_exchange(const RunConfig& config, int64_t layer, int64_t slots,
                                      const RankLayout& layout, const Passes& passes) {
  // Gates compute in float32 beside bf16 rows.
  const double row_bytes = model_bytes(config), weight_bytes = original_bytes(config);
  const double T = real(most_tokens(config, layout));
  const double rows = rows_for_others(T, real(slots), layout.expert);
  const auto bytes = [&](bool backward) {
    return exchange_bytes(rows, rows, config.model.d_model, row_bytes, weight_bytes, backward);
  };
  return {layer, passes.forward * bytes(false), passes.backward * bytes(true)};
}

void add_exchange(const RunConfig& config, const RankLayout& layout, const NodeShares& shares,
                  TrafficEstimate& estimate) {
  const auto& moe = *config.model.moe;
  const double micro_steps = real(config.train.accumulate);
  // Recompute runs every layer forward once more, exchange and all.
  const Passes passes{(config.train.recompute ? 2 : 1) * micro_steps, micro_steps};
  for (const int64_t layer : moe.expert_layers(config.model.layers)) {
    const auto& gate = gate_config(moe.gate_of(layer));
    const int64_t first = gate.first_slots(moe.experts);
    const auto sparse = layer_exchange(config, layer, moe.slots(layer), layout, passes);
    const auto at_first = layer_exchange(config, layer, first, layout, passes);
    const double counts = passes.forward * count_bytes(moe.experts, first, layout.expert);
    estimate.exchange =
        estimate.exchange + handed_over(sparse.forward + sparse.backward + counts, shares.row);
    estimate.first_exchange = estimate.first_exchange +
                              handed_over(at_first.forward + at_first.backward + counts, shares.row);
    estimate.layers.push_back(sparse);
  }
}

}  // namespace

HandedOver TrafficEstimate::total() const { return exchange + gradients + parameters; }

TrafficEstimate estimate_traffic(const RunConfig& config, const Holdings& held,
                                 const RankLayout& layout) {
  const auto shares = node_shares(layout);
  TrafficEstimate estimate;
  if (config.model.moe && layout.expert > 1) {
    add_exchange(config, layout, shares, estimate);
  }
  const double bytes = original_bytes(config);
  for (const auto& parameter : held.parameters) {
    if (parameter.frozen) {
      continue;
    }
    const double share = parameter.spread ? shares.column : shares.world;
    estimate.gradients =
        estimate.gradients + handed_over(sum_bytes(bytes * parameter.values, parameter.holders), share);
    if (config.parallel.shard_optimizer) {
      estimate.parameters =
          estimate.parameters +
          handed_over(gather_bytes(bytes * updated_values(config, parameter), parameter.holders), share);
    }
  }
  return estimate;
}

int64_t most_tokens(const RunConfig& config, const RankLayout& layout) {
  const int64_t rows = config.rows_per_micro_step();
  return (rows + layout.ranks - 1) / layout.ranks * config.model.context;
}

double sum_bytes(double n, int64_t R) { return 2 * n * real(R - 1) / real(R); }

double gather_bytes(double share, int64_t R) { return share * real(R - 1); }

double exchange_bytes(double sent, double received, int64_t d_model, double row_bytes,
                      double weight_bytes, bool backward) {
  // Half of a slot's way there and back is each of them.
  return (sent + received) / 2 * exchange_bytes_per_row(d_model, row_bytes, weight_bytes, backward);
}

double rows_for_others(double T, double K, int64_t N) { return T * K * real(N - 1) / real(N); }

double count_bytes(int64_t E, int64_t K, int64_t N) { return gather_bytes(8 * real(E + K), N); }

NodeShares node_shares(const RankLayout& layout) {
  const int64_t R = layout.ranks, N = layout.expert, P = layout.per_node;
  const auto node = [P](int64_t rank) { return rank / P; };
  NodeShares shares;
  if (layout.nodes() == 1) {
    return shares;
  }
  shares.world = real(layout.nodes()) / real(R);  // the last rank of each has its next one elsewhere
  double apart = 0;  // pairs of a row on different nodes, both ways
  for (int64_t begin = 0; begin < R; begin += N) {
    double together = 0;
    for (int64_t first = begin; first < begin + N;) {
      const int64_t end = std::min(begin + N, (node(first) + 1) * P);
      together += real(end - first) * real(end - first);
      first = end;
    }
    apart += real(N) * real(N) - together;
  }
  shares.row = N > 1 ? apart / (real(R) * real(N - 1)) : 0;
  double steps = 0;  // of columns' rings that lead to another node
  for (int64_t rank = 0; rank < R; ++rank) {
    steps += node(rank) != node((rank + N) % R) ? 1 : 0;
  }
  shares.column = steps / real(R);
  return shares;
}

}  // namespace moe

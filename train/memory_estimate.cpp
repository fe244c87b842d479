#include "train/memory_estimate.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "layers/activation_config.h"
#include "moe/slot_order.h"
#include "train/traffic_estimate.h"

namespace moe {
namespace {

// Resident set of a run of next to nothing: program, LibTorch, the products' own buffers (measured).
constexpr double kProcess = 142 * 1048576.0;
// What oneDNN makes for bf16 products: code per shape, and weights in an order of its own (measured).
constexpr double kHalfProducts = 60 * 1048576.0;

double number(int64_t value) { return static_cast<double>(value); }

// Values that a token's feed-forward leaves behind: per unit of width both halves, the nonlinear one
// and the product where gated, else the input and the output of one.
struct FeedForwardValues {
  double saved = 0;
  double backward = 0;  // gradients of the hidden values, alive at once
};

// Rows of a token that are computed where `slots` are live: padded ones of an expert that gets rows from
// `ranks` ranks.
double executed_rows(double slots, double tokens, double experts, bool padded, double ranks) {
  if (!padded) {
    return slots;
  }
  const auto of_expert = static_cast<int64_t>(tokens * ranks * slots / experts);
  return number(padded_rows(of_expert)) * experts / ranks / tokens;
}

// Experts on many ranks (moe/expert_exchange.h), at even load: as many rows come as go. Kept are the rows
// that came, sorted, and what the first product made of them. In backward the gradients of all that went
// out wait at home, and all rounds' results on their way there.
FeedForwardValues exchange_values(const ModelConfig& m, const RunConfig& config, int64_t layer,
                                  double tokens, double slots, double rows) {
  const double D = number(m.d_model), F = number(m.moe->expert_width(layer, m.active_width));
  const double projected = (is_gated(activation_of(m.activation)) ? 2 : 1) * F;
  const double chunk = number(m.moe->max_slots_per_chunk);
  const double local = number(m.moe->experts / config.parallel.expert);
  double rounds = std::min(local, number(config.parallel.overlap_chunks));
  if (chunk > 0) {
    rounds = std::max(rounds, std::min(local, std::ceil(tokens * slots / chunk)));
  }
  const double of_round = 4 * D + 3 * F + projected;
  return {rows * (D + (chunk > 0 ? 0 : projected)), 3 * slots * D + rows / rounds * of_round};
}

FeedForwardValues feed_forward_values(const RunConfig& config, int64_t layer, double tokens,
                                      const RankLayout& layout) {
  const auto& m = config.model;
  const bool padded = config.train.dtype == "bf16";
  const double D = number(m.d_model);
  const double unit = is_gated(activation_of(m.activation)) ? 4 : 2;
  if (!m.moe || !m.moe->has_experts(layer)) {
    const double hidden = unit * number(m.active_width);
    return {hidden, hidden};
  }
  const auto& moe = *m.moe;
  const auto& gate = gate_config(moe.gate_of(layer));
  const double F = number(moe.expert_width(layer, m.active_width)), E = number(moe.experts);
  const double shared = number(moe.shared_experts) * unit * F;
  // As many rows of a token as the gate starts with: they only become fewer.
  double slots = number(gate.first_slots(moe.experts));
  const double of_gate = gate.saved_values_per_token(moe.experts);
  if (layout.expert > 1) {
    const double rows = executed_rows(slots, tokens, E, padded, number(layout.expert));
    const auto values = exchange_values(m, config, layer, tokens, slots, rows);
    return {values.saved + shared + of_gate, values.backward + shared};
  }
  const double chunk = number(moe.max_slots_per_chunk);
  const auto in_chunks = [&](double rows) { return chunk > 0 && tokens * rows > chunk; };
  const bool dense = moe.dispatch == "dense" ||
                     (moe.dispatch == "auto" && slots >= E && !in_chunks(E));
  if (!dense) {
    slots = executed_rows(slots, tokens, E, padded, 1);
  }
  if (!dense && in_chunks(slots)) {
    // Nothing but the gate's; in backward a chunk's hidden values and their gradients, and its rows going
    // in and coming out.
    return {shared + of_gate, shared + D + chunk / tokens * (2 * unit * F + 4 * D)};
  }
  // Dense dispatch computes every expert and keeps hidden values before and after weighting; sparse
  // dispatch has rows of its own going in and coming out.
  const double routed = dense ? E * (unit + 1) * F : slots * (unit * F + 2 * D);
  const double hidden = (dense ? E : slots) * unit * F;
  return {routed + shared + of_gate, hidden + shared};
}

// Values that one token leaves behind between two feed-forwards: inputs and outputs of the norms,
// queries, keys and values before and after rotation, attention's output, the residual sums.
double attention_values(const ModelConfig& m) {
  const double D = number(m.d_model);
  const double HC = number(m.heads * m.head_width());
  const double GC = number(m.kv_heads_or_heads() * m.head_width());
  const double norms = m.parallel_block ? 3 * D : 5 * D;
  return norms + 3 * HC + 4 * GC + (m.qk_norm ? HC + GC : 0);
}

// Ranks with the same parts deal them out: part i goes to copy i modulo their number
// (train/checkpoint_share.h). Of the rank that writes the most.
double largest_share_to_save(const RunConfig& config, const Holdings& held, const RankLayout& layout) {
  double of_all = 0;  // what every rank writes
  std::vector<double> of_row(static_cast<size_t>(layout.data())), of_rank(static_cast<size_t>(layout.ranks));
  const auto deal = [&](size_t part, const HeldParameter& parameter) {
    auto& dealt = parameter.spread ? of_row : of_rank;  // a column has one copy in each row
    dealt[part % dealt.size()] += parameter.values;
  };
  for (size_t i = 0; i < held.parameters.size(); ++i) {
    deal(i, held.parameters[i]);
  }
  for (size_t i = 0; i < held.updated.size(); ++i) {
    const auto& parameter = held.parameters[held.updated[i]];
    if (config.parallel.shard_optimizer) {
      of_all += 2 * updated_values(config, parameter);
    } else {
      deal(2 * i, parameter);  // both moments are parts
      deal(2 * i + 1, parameter);
    }
  }
  double most = 0;
  for (size_t rank = 0; rank < of_rank.size(); ++rank) {
    most = std::max(most, of_rank[rank] + of_row[rank / static_cast<size_t>(layout.expert)]);
  }
  return original_bytes(config) * (of_all + most);
}

}  // namespace

MemoryEstimate estimate_memory(const RunConfig& config, int64_t vocabulary, const Holdings& held,
                               const RankLayout& layout) {
  const auto& m = config.model;
  const bool half = config.train.dtype == "bf16";
  const double bytes = model_bytes(config), original = original_bytes(config);
  const double tokens = number(most_tokens(config, layout));

  double all_layers = 0, largest_layer = 0, backward = 0;
  for (int64_t layer = 0; layer < m.layers; ++layer) {
    const auto feed_forward = feed_forward_values(config, layer, tokens, layout);
    const double saved = attention_values(m) + feed_forward.saved;
    all_layers += saved;
    largest_layer = std::max(largest_layer, saved);
    backward = std::max(backward, feed_forward.backward);
  }
  if (config.train.recompute) {
    all_layers = number(m.layers) * number(m.d_model) + largest_layer;
  }
  // Logits, and their softmax in the originals' type.
  const double head = number(vocabulary) * (bytes + 2 * original);

  MemoryEstimate estimate;
  const bool on_host = config.train.device != "cuda";
  if (on_host) {
    estimate.process = kProcess + (half ? kHalfProducts : 0);
  }
  estimate.parameters = held.values() * (half ? 4 + 2 : original);
  // Those of bf16 copies are added to float32 ones, which are too large for the places they leave.
  estimate.gradients = held.trained_values() * (half ? 2 + 4 : original);
  for (const auto& parameter : held.parameters) {
    const double values = parameter.frozen ? 0 : parameter.values;
    estimate.buckets += parameter.holders > 1 ? values * original : 0;
    estimate.optimizer += parameter.frozen ? 0 : 2 * original * updated_values(config, parameter);
  }
  // Divided rows: who may attend to whom, once for all layers.
  const bool plain = config.data.documents == "none" && objective_config(config.objective).denoisers().empty();
  const double mask = plain ? 0 : bytes * number(m.context);
  estimate.activations = tokens * (bytes * all_layers + head + mask);
  estimate.workspace = tokens * bytes * backward;
  estimate.saving = largest_share_to_save(config, held, layout);
  const double within_step = estimate.activations + estimate.workspace;
  // Micro-steps after the first find the gradients of those before.
  double beside = config.train.accumulate > 1 ? within_step + estimate.gradients
                                              : std::max(within_step, estimate.gradients);
  if (on_host) {
    const bool meanwhile =
        config.checkpoint.every > 0 && config.checkpoint.every < config.train.steps;
    beside = meanwhile ? beside + estimate.saving : std::max(beside, estimate.saving);
  }
  estimate.total =
      estimate.process + estimate.parameters + estimate.buckets + estimate.optimizer + beside;
  return estimate;
}

}  // namespace moe

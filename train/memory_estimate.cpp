#include "train/memory_estimate.h"

#include <algorithm>

#include "layers/activation_config.h"
#include "moe/slot_order.h"

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

FeedForwardValues feed_forward_values(const ModelConfig& m, int64_t layer, double tokens,
                                      bool padded) {
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
  const double chunk = number(moe.max_slots_per_chunk);
  const auto in_chunks = [&](double rows) { return chunk > 0 && tokens * rows > chunk; };
  const bool dense = moe.dispatch == "dense" ||
                     (moe.dispatch == "auto" && slots >= E && !in_chunks(E));
  if (padded && !dense) {
    slots = number(padded_rows(static_cast<int64_t>(tokens * slots / E))) * E / tokens;
  }
  const double of_gate = gate.saved_values_per_token(moe.experts);
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

}  // namespace

MemoryEstimate estimate_memory(const RunConfig& config, int64_t vocabulary, double parameters,
                               double frozen) {
  const auto& m = config.model;
  const bool half = config.train.dtype == "bf16";
  const double bytes = half ? 2 : 4;
  const double tokens = number(config.rows_per_micro_step() * m.context);

  double all_layers = 0, largest_layer = 0, backward = 0;
  for (int64_t layer = 0; layer < m.layers; ++layer) {
    const auto feed_forward = feed_forward_values(m, layer, tokens, half);
    const double saved = attention_values(m) + feed_forward.saved;
    all_layers += saved;
    largest_layer = std::max(largest_layer, saved);
    backward = std::max(backward, feed_forward.backward);
  }
  if (config.train.recompute) {
    all_layers = number(m.layers) * number(m.d_model) + largest_layer;
  }
  // Logits, and their softmax in float32.
  const double head = number(vocabulary) * (bytes + 2 * 4);

  MemoryEstimate estimate;
  if (config.train.device != "cuda") {
    estimate.process = kProcess + (half ? kHalfProducts : 0);
  }
  estimate.parameters = parameters * (half ? 4 + 2 : 4);
  // Those of bf16 copies are added to float32 ones, which are too large for the places they leave.
  estimate.gradients = (parameters - frozen) * (half ? 2 + 4 : 4);
  estimate.optimizer = (parameters - frozen) * 8;
  // Divided rows: who may attend to whom, once for all layers.
  const double mask = config.data.documents == "none" ? 0 : bytes * number(m.context);
  estimate.activations = tokens * (bytes * all_layers + head + mask);
  estimate.workspace = tokens * bytes * backward;
  const double within_step = estimate.activations + estimate.workspace;
  // Micro-steps after the first find the gradients of those before.
  const double beside = config.train.accumulate > 1 ? within_step + estimate.gradients
                                                    : std::max(within_step, estimate.gradients);
  estimate.total = estimate.process + estimate.parameters + estimate.optimizer + beside;
  return estimate;
}

}  // namespace moe

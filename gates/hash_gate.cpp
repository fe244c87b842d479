#include "gates/hash_gate.h"

#include "gates/fixed_choice.h"
#include "gates/hash_tables.h"

namespace moe {
namespace {

Tensor first_table(const HashConfig& config, int64_t vocabulary, int64_t experts,
                   const Initializer& init) {
  const auto options = at::TensorOptions().dtype(at::kFloat).device(init.device());
  if (init.loading()) {
    return at::zeros({vocabulary, config.k}, options);
  }
  const auto table =
      config.table == "balanced"
          ? balanced_table(read_frequencies(config.frequencies, vocabulary), experts, config.k)
          : random_table(vocabulary, experts, config.k, static_cast<uint64_t>(config.seed));
  return at::tensor(table, at::kLong).view({vocabulary, config.k}).to(options);
}

}  // namespace

HashGate::HashGate(const HashConfig& config, int64_t vocabulary, int64_t experts,
                   const Initializer& init)
    : experts_(experts) {
  TORCH_CHECK(vocabulary > 0, "HashGate: expected the number of token ids, found ", vocabulary);
  table_ = register_buffer("table", first_table(config, vocabulary, experts, init));
}

Routing HashGate::forward(const GateInput& input) {
  const auto id = input.context.token_ids.reshape({-1});  // [T]
  return fixed_choice(table_.index_select(0, id).to(at::kLong), experts_, input);
}

}  // namespace moe

// Tokens fed alone after kept ones, with every gate of the list: what GateConfig::token_alone() says is what happens.
#include <gtest/gtest.h>

#include "configs/config_io.h"
#include "layers/kv_cache.h"
#include "tests/contract/gate_cases.h"
#include "tests/support/gates.h"
#include "tests/support/tensors.h"
#include "train/decode.h"

namespace moe {
namespace {

constexpr int64_t kTokens = 9;

ModelConfig model_with(const std::string& gate) {
  return parse_config<RunConfig>(
             "data: {train: a.txt}\nmodel: {d_model: 16, layers: 2, heads: 2, context: 16, active_width: 24, "
             "moe: {experts: 4, allow_future_leak: true, gate: " + with_slots(gate, 2) + "}}\n")
      .model;
}

Model lively(const ModelConfig& config, double spread) {
  auto model = build_model(config, kTestVocabulary, Initializer(1, at::kDouble));
  for (const auto& layer : model.moe_layers) spread_parameters(layer->gate(), spread);
  return model;
}

Tensor fed(Model& model, int64_t from, int64_t count, int64_t prefix, KvCache* cache) {
  const at::NoGradGuard no_grad;
  ForwardContext context;
  const auto ids = at::arange(kTokens, at::kLong).mul(3).remainder(kTestVocabulary);
  context.token_ids = ids.narrow(0, from, count).unsqueeze(0);
  if (prefix > 0) context.prefix = at::arange(count).lt(prefix).unsqueeze(0);
  context.progress = 0.5;
  return model.decoder->forward(context, false, cache).logits;  // [count, V]
}

class KvCacheContract : public testing::TestWithParam<GateCase> {};

TEST_P(KvCacheContract, TokensFedAloneAreRoutedAsAmongOthersOrTheGateSaysNotSo) {
  const auto config = model_with(GetParam().yaml);
  auto model = lively(config, GetParam().spread);
  for (const int64_t prefix : {0, 5}) {
    const auto expected = fed(model, 0, kTokens, prefix, nullptr);
    KvCache cache(kTokens);
    std::vector<Tensor> parts = {fed(model, 0, 5, prefix, &cache)};
    for (int64_t token = 5; token < kTokens; ++token) parts.push_back(fed(model, token, 1, 0, &cache));
    const auto found = at::cat(parts);
    if (gates_choose_alone(config)) {
      EXPECT_TRUE(near(found, expected, 1e-12));
    } else {
      EXPECT_FALSE(near(found, expected, 1e-7)) << "it could say so";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllGates, KvCacheContract, testing::ValuesIn(gate_cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace moe

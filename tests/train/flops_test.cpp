// FLOPs by formula against counts made by hand for a model small enough to do so.
#include "train/flops.h"

#include <gtest/gtest.h>

#include "configs/config_io.h"

namespace moe {
namespace {

ModelConfig model(const std::string& moe, const std::string& more = "") {
  return parse_config<RunConfig>("data: {train: x}\ntrain: {batch_tokens: 20}\n"
                                 "model: {d_model: 8, layers: 3, heads: 4, kv_heads: 2, "
                                 "context: 5, active_width: 12, moe: " +
                                 moe + more + "}\n")
      .model;
}

// D 8, 4 heads of 2, 2 key/value heads, S 5, V 10, 3 layers. Per layer and token, in FLOPs:
//   query 2*8*8 = 128, key and value 2 * 2*8*4 = 128, output 2*8*8 = 128: 384
//   attention: 3 tokens on average (1 + 2 + 3 + 4 + 5 over 5), 4 heads, 2 for the score and 2 for
//   the mix: 3 * 4 * (2*2 + 2*2) = 96
// output head: 2*8*10 = 160
constexpr double kHead = 160, kProjections = 3 * 384, kAttention = 3 * 96;

TEST(Flops, DenseModelByHand) {
  const auto flops = flops_per_token(model("none"), 10);
  EXPECT_EQ(flops.attention, kAttention);
  EXPECT_EQ(flops.other, kProjections + kHead + 3 * (3 * 2 * 8 * 12));  // gate, up and down
  EXPECT_TRUE(flops.experts.empty());
  EXPECT_EQ(flops.per_slot(0), 0);
  EXPECT_EQ(flops.training_once_sparse(), 3 * (flops.attention + flops.other));
}

TEST(Flops, SparseModelByHand) {
  const auto flops = flops_per_token(model("{experts: 5, gate: {kind: top_k, k: 3}}"), 10);
  EXPECT_EQ(flops.attention, kAttention);
  EXPECT_EQ(flops.other, kProjections + kHead + 3 * (2 * 8 * 5));  // the gate's matrix
  ASSERT_EQ(flops.experts.size(), 3u);
  for (const auto& of_layer : flops.experts) {
    EXPECT_EQ(of_layer.per_slot, 3 * 2 * 8 * 4);  // d_hidden is 12 / 3
    EXPECT_EQ(of_layer.slots, 3);
    EXPECT_EQ(flops.per_slot(of_layer.layer), 192);
  }
  EXPECT_EQ(flops.training_once_sparse(), 3 * (kAttention + flops.other + 3 * 3 * 192));
}

TEST(Flops, TwinsDifferByTheGateAlone) {
  const auto dense = flops_per_token(model("none"), 10);
  for (const std::string kind : {"top_k, k: 2", "switch", "mixtral", "dselect_k, k: 4",
                                 "round_robin, k: 1"}) {
    const auto config = model("{experts: 6, gate: {kind: " + kind + "}}");
    const auto sparse = flops_per_token(config, 10);
    const double gate = gate_config(config.moe->gate).flops_per_token(8, 6);
    EXPECT_EQ(sparse.training_once_sparse(), dense.training_once_sparse() + 3 * 3 * gate) << kind;
  }
}

TEST(Flops, HeadWidthIsTheOneThatIsSet) {
  const auto flops = flops_per_token(model("none", ", head_dim: 4"), 10);
  EXPECT_EQ(flops.attention, 2 * kAttention);
  EXPECT_EQ(flops.other, 2 * kProjections + kHead + 3 * 576);
}

}  // namespace
}  // namespace moe

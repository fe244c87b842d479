// What --dry-run says, against the model itself.
#include "train/dry_run.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/tiny_trainer.h"

namespace moe {
namespace {

TEST(DryRun, CountsParametersAsTheModelHasThem) {
  const TinyRun tiny;
  for (const std::string override : {"model.moe=none", "model.moe.gate.kind=dselect_k",
                                     "model.tie_embeddings=false"}) {
    const auto config = tiny_config(tiny, {override});
    auto trainer = tiny_trainer(config);
    int64_t total = 0;
    for (const auto& parameter : trainer->model().decoder->parameters()) total += parameter.numel();
    const auto report = dry_run(config);
    EXPECT_EQ(report["parameters"]["total"], total) << override;
    EXPECT_EQ(report["memory_bytes"]["optimizer"], 8 * total);
    EXPECT_EQ(report["flops_per_token"]["training"],
              flops_per_token(config.model, 512).training_once_sparse());
  }
}

TEST(DryRun, ActiveLeavesOutTheExpertsThatATokenDoesNotUse) {
  const TinyRun tiny;
  const auto sparse = dry_run(tiny_config(tiny))["parameters"];
  // 2 layers, 4 - 2 idle experts of 3 matrices 16 x 16.
  EXPECT_EQ(sparse["total"].get<int64_t>() - sparse["active"].get<int64_t>(), 2 * 2 * 3 * 16 * 16);
  const auto dense = dry_run(tiny_config(tiny, {"model.moe=none"}))["parameters"];
  EXPECT_EQ(dense["total"], dense["active"]);
  // Twins differ by the gate's matrices alone.
  EXPECT_EQ(sparse["active"].get<int64_t>() - dense["active"].get<int64_t>(), 2 * 16 * 4);
}

TEST(DryRun, ActivationsFollowWhatIsKeptForBackward) {
  const TinyRun tiny;
  const auto activations = [&](std::vector<std::string> overrides) {
    overrides.push_back("model.moe.dispatch=sparse");
    return dry_run(tiny_config(tiny, overrides))["memory_bytes"]["activations"].get<double>();
  };
  const double top_k = activations({}), at_first_dense = activations({"model.moe.gate.kind=softmax",
                                                                      "model.active_width=64"});
  // 4 bytes, 64 tokens, 2 layers, 4 - 2 slots more, each with 4 rows of width 16 inside and 2 outside.
  EXPECT_EQ(at_first_dense - top_k, 4 * 64 * 2 * 2 * (4 + 2) * 16);
  EXPECT_LT(activations({"model.activation=relu"}), top_k);
  EXPECT_LT(activations({"train.recompute=true"}), top_k);
  // All but the float32 softmax of 512 logits.
  // Beside the float32 softmax of 512 logits; 32 rows an expert are padded to 64 for bf16 products.
  EXPECT_EQ(activations({"train.dtype=bf16"}) * 2,
            top_k + 4.0 * 64 * 2 * 512 + 4 * 64 * 2 * 2 * (4 + 2) * 16);
  EXPECT_EQ(activations({"train.accumulate=2"}) * 2, top_k);
}

TEST(DryRun, FrozenParametersNeedNeitherGradientsNorMoments) {
  const TinyRun tiny;
  const auto memory =
      dry_run(tiny_config(tiny, {"optimizer.groups={experts: {freeze: true}}"}))["memory_bytes"];
  const int64_t experts = 2 * 4 * 3 * 16 * 16;
  EXPECT_EQ(memory["parameters"].get<int64_t>() - memory["gradients"].get<int64_t>(), 4 * experts);
  EXPECT_EQ(memory["optimizer"], 2 * memory["gradients"].get<int64_t>());
}

TEST(DryRun, TakesAModelThatNoMemoryCouldHold) {
  const TinyRun tiny;
  const auto report = dry_run(tiny_config(
      tiny, {"model.d_model=16384", "model.layers=100", "model.heads=128",
             "model.active_width=65536", "model.moe.experts=256"}));
  EXPECT_GT(report["parameters"]["total"].get<double>(), 1e12);
}

TEST(DryRun, CopiesToSaveComeOnTopWhereStepsFollowThem) {
  const TinyRun tiny;
  const auto memory = [&](const std::string& override) {
    return dry_run(tiny_config(tiny, {override}))["memory_bytes"];
  };
  const auto between = memory("checkpoint.every=10"), at_the_end = memory("checkpoint.every=30");
  // Parameters and both moments.
  EXPECT_EQ(between["saving"], 3 * between["parameters"].get<int64_t>());
  EXPECT_EQ(between["saving"], at_the_end["saving"]);
  const auto without = [](const Json& m) {
    return m["process"].get<double>() + m["parameters"].get<double>() + m["optimizer"].get<double>();
  };
  const double step = between["activations"].get<double>() + between["workspace"].get<double>();
  ASSERT_GT(step, between["gradients"].get<double>());
  const double saving = between["saving"].get<double>();
  EXPECT_EQ(between["total"], without(between) + step + saving);
  EXPECT_EQ(at_the_end["total"], without(between) + std::max(step, saving));
  EXPECT_EQ(memory("checkpoint.every=0")["total"], at_the_end["total"]);
}

TEST(DryRun, DoublesTakeTwiceTheMemory) {
  const TinyRun tiny;
  const auto once = dry_run(tiny_config(tiny))["memory_bytes"],
             twice = dry_run(tiny_config(tiny, {"train.dtype=fp64"}))["memory_bytes"];
  for (const char* part : {"parameters", "gradients", "optimizer", "activations", "workspace", "saving"}) {
    EXPECT_EQ(twice[part].get<double>(), 2 * once[part].get<double>()) << part;
  }
}

TEST(DryRun, SaysItInWords) {
  const Json report = {{"parameters", {{"total", 1234567}, {"active", 234567}}},
                       {"flops_per_token", {{"forward", 1e6}, {"training", 3e6}}},
                       {"tokens", 5e6},
                       {"memory_bytes",
                        {{"process", 1048576},
                         {"parameters", 2 * 1048576},
                         {"optimizer", 3 * 1048576},
                         {"activations", 4 * 1048576},
                         {"workspace", 5 * 1048576},
                         {"gradients", 6 * 1048576},
                         {"saving", 7 * 1048576},
                         {"total", 15 * 1048576}}}};
  EXPECT_EQ(dry_run_text(report),
            "parameters        1.235 M, active 0.235 M\n"
            "FLOPs per token   1.000 M forward, 3.000 M in training, once the gate is sparse\n"
            "tokens            5.000 M\n"
            "memory, estimated 15 MiB at most: process 1, parameters 2, optimizer 3, activations 4 "
            "with 5 in backward, gradients 6 as activations go, copies to save 7\n");
}

}  // namespace
}  // namespace moe

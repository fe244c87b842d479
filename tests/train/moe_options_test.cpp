// Options of the mixture: shared experts, which layers have experts, a gate per layer; what they cost,
// and how a mistake is told.
#include <gtest/gtest.h>

#include <set>

#include "configs/config_io.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tensors.h"
#include "tests/support/tiny_trainer.h"
#include "train/flops.h"
#include "train/model.h"

namespace moe {
namespace {

RunConfig config_of(const std::string& model) {
  return parse_config<RunConfig>("data: {train: a.txt}\nmodel: {" + model + "}\n", "c.yaml");
}

ModelConfig small(const std::string& more) {
  return config_of("d_model: 8, layers: 4, heads: 2, context: 16, active_width: 24, " + more).model;
}

std::string problems_of(const std::string& model) {
  return message_of<ConfigError>([&] { config_of(model); });
}

Model built(const ModelConfig& config) { return build_model(config, 10, Initializer(1)); }

TEST(ExpertLayers, FollowFirstDenseAndEvery) {
  using Layers = std::vector<int64_t>;
  MoeConfig moe;
  EXPECT_EQ(moe.expert_layers(4), (Layers{0, 1, 2, 3}));
  moe.first_dense = 1;
  EXPECT_EQ(moe.expert_layers(4), (Layers{1, 2, 3}));
  moe.every = 2;
  EXPECT_EQ(moe.expert_layers(6), (Layers{2, 4}));
  moe.first_dense = 0;
  EXPECT_EQ(moe.expert_layers(6), (Layers{1, 3, 5}));
}

TEST(ExpertLayers, AreTheLayersOfTheModelThatHaveExperts) {
  const auto model = built(small("moe: {experts: 4, first_dense: 1, every: 2}"));
  const auto names = model.decoder->named_parameters();
  for (int64_t layer = 0; layer < 4; ++layer) {
    const auto below = "layers." + std::to_string(layer) + ".feed_forward.";
    EXPECT_EQ(names.contains(below + "experts.down"), layer == 2) << layer;
    EXPECT_EQ(names.contains(below + "down"), layer != 2) << layer;
  }
  EXPECT_EQ(names["layers.0.feed_forward.gate_up"].size(0), 2 * 24);  // of the active width
  ASSERT_EQ(model.moe_layers.size(), 1u);
  EXPECT_EQ(model.moe_layers[0]->layer(), 2);
}

TEST(ExpertLayers, AModelWithoutAnyIsRefused) {
  EXPECT_EQ(problems_of("layers: 4, moe: {first_dense: 4}"),
            "c.yaml:2:26: model.moe.first_dense: leaves no layer with experts (model.layers is 4, "
            "first_dense 4, every 1): lower it, or set model.moe=none for a dense model");
  EXPECT_EQ(problems_of("layers: 4, moe: {first_dense: 1, every: 4}"),
            "c.yaml:2:42: model.moe.every: leaves no layer with experts (model.layers is 4, "
            "first_dense 1, every 4): lower it, or set model.moe=none for a dense model");
}

TEST(SharedExperts, TakeTheirPartOfTheActiveWidth) {
  const auto config = small("moe: {experts: 5, shared_experts: 1, gate: {k: 2}}");
  EXPECT_EQ(config.moe->expert_width(0, 24), 8);
  const auto names = built(config).decoder->named_parameters();
  EXPECT_EQ(names["layers.0.feed_forward.experts.down"].sizes(), (at::IntArrayRef{5, 8, 8}));
  EXPECT_EQ(names["layers.0.feed_forward.shared.down"].sizes(), (at::IntArrayRef{8, 8}));
  EXPECT_EQ(problems_of("active_width: 512, moe: {shared_experts: 1, gate: {k: 2}}"),
            "c.yaml:2:28: model.moe.d_hidden: auto is model.active_width / (k + shared_experts), and "
            "512 is not divisible by 2 + 1: choose a multiple of 3, such as model.active_width=510");
  EXPECT_EQ(problems_of("active_width: 512, moe: {shared_experts: 1, d_hidden: 256}"),
            "c.yaml:2:53: model.moe.d_hidden: (k + shared_experts) x d_hidden must be "
            "model.active_width (512), so that model.moe=none is the twin of equal active FLOPs; "
            "found (2 + 1) x 256: set model.active_width=768, or d_hidden to auto");
}

// Parameters and FLOPs of a token by formula, against a count over the model's own tensors: a weight
// that a token passes through is one multiply-add, of an expert's k in E.
TEST(Twins, OfEqualActiveFlopsWhateverTheOptions) {
  for (const std::string activation : {"swiglu", "relu"}) {
    const auto of = [&](const std::string& moe) {
      return small("activation: " + activation + ", moe: " + moe);
    };
    const auto dense = flops_per_token(of("none"), 10);
    const auto dense_count = count_parameters(of("none"), *built(of("none")).decoder);
    for (const std::string moe :
         {"{experts: 5, shared_experts: 1, gate: {k: 2}}", "{experts: 4, first_dense: 2}",
          "{experts: 6, every: 2, shared_experts: 2, gate: {k: 1}}", "{experts: 4, gate: softmax}",
          "{experts: 4, gate: {kind: dselect_k_static, k: 3}}",
          "{experts: 4, layers: {1: {gate: switch}, 2-3: {gate: {kind: dselect_k, k: 3}}}}"}) {
      SCOPED_TRACE(activation + " " + moe);
      const auto config = of(moe);
      const auto sparse = flops_per_token(config, 10);
      double gates = 0, idle = 0, gate_parameters = 0, active = 0;
      for (const int64_t layer : config.moe->expert_layers(4)) {
        gates += gate_config(config.moe->gate_of(layer)).flops_per_token(8, config.moe->experts);
      }
      EXPECT_EQ(sparse.training_once_sparse(), dense.training_once_sparse() + 3 * gates);

      const auto model = built(config);
      for (const auto& item : model.decoder->named_parameters()) {
        const auto count = static_cast<double>(item.value().numel());
        active += count;
        if (item.key().find(".gate.") != std::string::npos) gate_parameters += count;
        for (const int64_t layer : config.moe->expert_layers(4)) {
          if (item.key().rfind("layers." + std::to_string(layer) + ".feed_forward.experts.", 0) == 0) {
            const double k = static_cast<double>(config.moe->slots(layer));
            idle += count * (1 - k / static_cast<double>(config.moe->experts));
          }
        }
      }
      const auto count = count_parameters(config, *model.decoder);
      EXPECT_NEAR(static_cast<double>(count.active), active - idle, 1e-6);
      EXPECT_EQ(static_cast<double>(count.active),
                static_cast<double>(dense_count.active) + gate_parameters);
    }
  }
}

TEST(GatePerLayer, IsTheOneOfItsEntry) {
  const auto config = small(
      "moe: {experts: 4, layers: {1: {gate: switch}, 2-3: {gate: {kind: dselect_k, k: 3}}}}");
  const auto& moe = *config.moe;
  EXPECT_EQ(moe.gate_of(0).kind, "top_k");
  EXPECT_EQ(moe.gate_of(1).kind, "switch");
  EXPECT_EQ(moe.gate_of(2).kind, "dselect_k");
  EXPECT_EQ(moe.gate_of(3).kind, "dselect_k");
  EXPECT_EQ(moe.expert_width(0, 24), 12);
  EXPECT_EQ(moe.expert_width(1, 24), 24);
  EXPECT_EQ(moe.expert_width(3, 24), 8);
  const auto names = built(config).decoder->named_parameters();
  EXPECT_EQ(names["layers.1.feed_forward.experts.down"].size(1), 24);
  EXPECT_TRUE(names.contains("layers.3.feed_forward.gate.bit_weight"));
  const auto flops = flops_per_token(config, 10);
  EXPECT_EQ(flops.per_slot(0), 3 * 2 * 8 * 12);
  EXPECT_EQ(flops.per_slot(1), 3 * 2 * 8 * 24);
  EXPECT_EQ(flops.per_slot(3), 3 * 2 * 8 * 8);
}

TEST(GatePerLayer, EntriesThatFitNoLayerAreRefusedWithTheirPlace) {
  const auto of = [](const std::string& layers, const std::string& more = "") {
    return problems_of("layers: 8, moe: {experts: 4, " + more + "layers: {" + layers + "}}");
  };
  EXPECT_EQ(of("two: {gate: switch}"),
            "c.yaml:2:47: model.moe.layers.two: expected the number of a layer, like 2, or a range, "
            "like 4-7, found 'two'");
  EXPECT_EQ(of("7-4: {gate: switch}"),
            "c.yaml:2:47: model.moe.layers.7-4: expected the number of a layer, like 2, or a range, "
            "like 4-7, found '7-4'");
  EXPECT_EQ(of("4-8: {gate: switch}"),
            "c.yaml:2:47: model.moe.layers.4-8: there is no layer 8: model.layers is 8, numbered from "
            "0 to 7");
  EXPECT_EQ(of("0-9223372036854775807: {gate: switch}").substr(0, 80),
            "c.yaml:2:47: model.moe.layers.0-9223372036854775807: there is no layer 922337203");
  EXPECT_EQ(of("2-5: {gate: switch}, 4: {gate: mixtral}"),
            "c.yaml:2:68: model.moe.layers.4: layer 4 is in '2-5' already: every layer may stand in "
            "one entry");
  EXPECT_EQ(of("0-1: {gate: switch}", "first_dense: 2, "),
            "c.yaml:2:63: model.moe.layers.0-1: no layer there has experts (first_dense is 2, every "
            "is 1), so a gate would do nothing: take it out");
  EXPECT_EQ(problems_of("active_width: 1000, moe: {experts: 4, layers: {2: {gate: {kind: top_k, k: 5}}}}"),
            "c.yaml:2:80: model.moe.layers.2.gate.k: must be at most experts (4), found 5");
  EXPECT_EQ(of("2: {gate: {kind: top_k, k: 3}}"),
            "c.yaml:2:51: model.moe.layers.2.gate: auto is model.active_width / (k + shared_experts), "
            "and 1024 is not divisible by 3 + 0: choose a multiple of 3, such as "
            "model.active_width=1023");
}

TEST(GatePerLayer, AnEntryWithoutAKindHasTheModelsGate) {
  const auto config = small("moe: {experts: 4, gate: {kind: switch}, layers: {1: {}, 2: {gate: top_k}}}");
  EXPECT_EQ(config.moe->gate_of(1).kind, "switch");
  EXPECT_EQ(config.moe->gate_of(2).kind, "top_k");
  // A knob without its kind would otherwise be that of a gate nobody named.
  EXPECT_EQ(problems_of("moe: {gate: {kind: switch}, layers: {1: {gate: {k: 1}}}}").substr(0, 80),
            "c.yaml:2:57: model.moe.layers.1.gate.k: unknown key for kind 'model': it belongs");
}

TEST(LayerRange, IsANumberOrTwo) {
  EXPECT_EQ(parse_layer_range("3")->last, 3);
  EXPECT_EQ(parse_layer_range("4-7")->first, 4);
  EXPECT_EQ(parse_layer_range("4-7")->last, 7);
  for (const std::string text : {"", "-", "-3", "3-", "7-4", "4-7-9", "4 - 7", "99999999999999999999", "1.5", "+1", "0x1", "-0", "0--0"}) {
    EXPECT_FALSE(parse_layer_range(text).has_value()) << text;
  }
}

TEST(DSelectKStatic, BecomesSparseByItselfAndStays) {
  const TinyRun tiny;
  ASSERT_EQ(tiny.train({"model.moe.gate.kind=dselect_k_static", "train.steps=300", "run.dir=run"}).code,
            kDone);
  std::set<double> late;
  for (const auto& row : tiny.rows("run")) {
    for (const auto& layer : row.value("moe", Json::array())) {
      const double slots = layer["slots_per_token"];
      EXPECT_TRUE(row["step"] != 1 || slots == 4) << slots;
      EXPECT_TRUE(row["step"] <= 250 || slots <= 2) << slots;
      if (row["step"] > 250) late.insert(layer["gate"]["saturated_bits"].get<double>());
    }
  }
  // Weight decay would pull decided bits back.
  EXPECT_EQ(late, std::set<double>{1});
}

TEST(Trainer, WeighsLiveSlotsOfEveryLayerWithItsOwnCost) {
  const TinyRun tiny;
  const auto config = tiny_config(
      tiny, {"model.layers=3", "model.moe.first_dense=1", "model.moe.shared_experts=1",
             "model.active_width=48", "model.moe.layers={2: {gate: {kind: top_k, k: 3}}}"});
  const auto trainer = tiny_trainer(config);
  trainer->step();
  trainer->count_flops();
  const auto& flops = trainer->flops();
  EXPECT_EQ(flops.per_slot(0), 0);
  EXPECT_NE(flops.per_slot(1), flops.per_slot(2));
  EXPECT_EQ(trainer->progress().flops, 64 * flops.training_once_sparse());
  EXPECT_EQ(trainer->progress().flops_executed, 64 * flops.training_once_sparse());
}

TEST(KeepsFloat32, GatesAndOneDimensionalParameters) {
  const auto model = built(
      small("qk_norm: true, moe: {experts: 4, shared_experts: 2, gate: {kind: dselect_k, k: 1}}"));
  for (const auto& item : model.decoder->named_parameters()) {
    const auto& name = item.key();
    const bool gate = name.find("feed_forward.gate.") != std::string::npos;
    const bool norm = name.find("norm") != std::string::npos;
    EXPECT_EQ(keeps_float32(name, item.value()), gate || norm) << name;
  }
  const auto matrix = at::ones({2, 2});
  EXPECT_TRUE(keeps_float32("gate.weight", matrix));
  EXPECT_FALSE(keeps_float32("experts.gate_up", matrix));
}

}  // namespace
}  // namespace moe

// init.from: a run that begins with a checkpoint's parameters, its gates kept or swapped.
#include "train/init.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "configs/errors.h"
#include "tests/support/init_run.h"
#include "train/checkpoint.h"
#include "train/context.h"
#include "train/master_weights.h"

namespace moe {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr int64_t kVocabulary = kInitVocabulary;
using Init = InitTest;

std::map<std::string, Tensor> by_name(const NamedTensors& tensors) {
  return {tensors.begin(), tensors.end()};
}

// The model of the checkpoint itself.
Model model_of(const std::string& checkpoint) {
  const auto config = parse_config<RunConfig>(checkpoint_config(checkpoint));
  auto model = build_model(config.model, kVocabulary, Initializer(99));
  load_parameters(checkpoint, *model.decoder);
  return model;
}

Tensor logits_of(Model& model) {
  ForwardContext context;
  context.token_ids = at::arange(32, at::kLong).view({2, 16}) + 97;
  at::NoGradGuard no_grad;
  return model.decoder->forward(context).logits;
}

TEST_F(Init, KeptWholeItIsTheModelOfTheCheckpoint) {
  begin();
  const auto here = config();
  const auto trainer = begun(here);
  auto there = model_of(checkpoint());
  EXPECT_TRUE(at::equal(logits_of(trainer->model()), logits_of(there)));
  EXPECT_FALSE(at::equal(logits_of(tiny_trainer(here)->model()), logits_of(there)));
  EXPECT_EQ(trainer->progress().step, 0);
  EXPECT_EQ(trainer->progress().row, 0);
  EXPECT_EQ(trainer->optimizer().steps(), 0);
  for (const auto& part : trainer->optimizer().state()) {
    EXPECT_EQ(part.values.abs().sum().item<double>(), 0) << part.name;
  }
}

TEST_F(Init, AFreshGateIsThatOfTheSeedAndAllElseIsLoaded) {
  begin();
  for (const std::string gate : {"dselect_k", "top_k"}) {
    const auto here = config({"init.gate=fresh", "model.moe.gate.kind=" + gate});
    const auto trainer = begun(here);
    const auto loaded = by_name(model_tensors(*model_of(checkpoint()).decoder));
    const auto first = by_name(model_tensors(*tiny_trainer(here)->model().decoder));
    size_t gates = 0;
    for (const auto& [name, tensor] : model_tensors(*trainer->model().decoder)) {
      const bool of_gate = belongs_to_gate(name);
      gates += of_gate;
      EXPECT_TRUE(at::equal(tensor, of_gate ? first.at(name) : loaded.at(name))) << gate << name;
      if (name.find("norm") == std::string::npos && first.at(name).any().item<bool>()) {
        EXPECT_EQ(loaded.count(name) && at::equal(loaded.at(name), first.at(name)), false)
            << name << ": the test could not tell them apart";
      }
    }
    EXPECT_EQ(gates, gate == "top_k" ? 2u : 8u);
  }
}

TEST_F(Init, PlanSaysWhatIsLoadedInitialisedAndIgnored) {
  begin();
  const auto swapped =
      plan_init(config({"init.gate=fresh", "model.moe.gate.kind=dselect_k"}), kVocabulary);
  EXPECT_EQ(swapped.checkpoint, checkpoint());
  EXPECT_EQ(swapped.step, 12);
  EXPECT_THAT(swapped.remarks, IsEmpty());
  EXPECT_THAT(swapped.ignored, ElementsAre("layers.0.feed_forward.gate.weight",
                                           "layers.1.feed_forward.gate.weight"));
  EXPECT_THAT(init_lines(swapped),
              ElementsAre("loaded: 14 tensors",
                          "initialised: 8 tensors of the gates here: "
                          "layers.*.feed_forward.gate.bit_weight (2), "
                          "layers.*.feed_forward.gate.bit_bias (2), "
                          "layers.*.feed_forward.gate.mix_weight (2), "
                          "layers.*.feed_forward.gate.mix_bias (2)",
                          "ignored: 2 tensors of the gates there: "
                          "layers.*.feed_forward.gate.weight (2)"));
  const auto kept = plan_init(config(), kVocabulary);
  EXPECT_THAT(init_lines(kept), ElementsAre("loaded: 16 tensors, the gates' among them: "
                                            "layers.*.feed_forward.gate.weight (2)",
                                            "initialised: 0 tensors", "ignored: 0 tensors"));
}

TEST_F(Init, AGateOfAnotherKindOrSizeIsKeptByNone) {
  begin();
  EXPECT_EQ(refusal({"model.moe.gate.kind=switch", "model.moe.d_hidden=32"}),
            "has gate top_k in layer 0, and this model switch: one cannot be kept as the other. With "
            "init.gate=fresh the gates begin anew, and all else is kept");
  // The layer is named whose gate is another.
  EXPECT_THAT(refusal({"model.moe.layers={'1': {gate: {kind: mixtral}}}"}),
              HasSubstr("has gate top_k in layer 1, and this model mixtral"));
}

TEST_F(Init, AGateOfAnotherSizeIsKeptByNone) {
  begin({"model.moe.gate.kind=dselect_k"});
  EXPECT_EQ(refusal({"model.moe.gate.kind=dselect_k", "model.moe.experts=4", "model.moe.gate.k=4",
                     "model.active_width=64"}),
            "does not fit this model:"
            "\n  layers.0.feed_forward.gate.bit_weight: F32 [4, 16] there, F32 [8, 16] here"
            "\n  layers.0.feed_forward.gate.bit_bias: F32 [4] there, F32 [8] here"
            "\n  layers.0.feed_forward.gate.mix_weight: F32 [2, 16] there, F32 [4, 16] here"
            "\n  layers.0.feed_forward.gate.mix_bias: F32 [2] there, F32 [4] here"
            "\n  layers.1.feed_forward.gate.bit_weight: F32 [4, 16] there, F32 [8, 16] here"
            "\n  layers.1.feed_forward.gate.bit_bias: F32 [4] there, F32 [8] here"
            "\n  layers.1.feed_forward.gate.mix_weight: F32 [2, 16] there, F32 [4, 16] here"
            "\n  layers.1.feed_forward.gate.mix_bias: F32 [2] there, F32 [4] here"
            "\nThe configs differ in\n  model.active_width: 32 there, 64 here"
            "\nThese are the gates' alone: with init.gate=fresh they begin anew, and all else is kept.");
}

TEST_F(Init, ShapesThatDoNotFitAreNamedWithTheKeys) {
  begin();
  const auto experts = refusal({"init.gate=fresh", "model.moe.experts=8"});
  EXPECT_THAT(experts, AllOf(HasSubstr("experts.down: F32 [4, 16, 16] there, F32 [8, 16, 16] here\n"),
                             HasSubstr("\nThe configs differ in\n  model.moe.experts: 4 there, 8 here"),
                             Not(HasSubstr("init.gate=fresh")), Not(HasSubstr("active_width"))));
  const auto layers = refusal({"model.layers=3"});
  EXPECT_THAT(layers, AllOf(HasSubstr("\n  layers.2.attention.qkv: not there, F32 [48, 16] here\n"),
                            HasSubstr("model.layers: 2 there, 3 here")));
  EXPECT_THAT(refusal({"model.layers=1"}),
              HasSubstr("\n  layers.1.attention.qkv: F32 [48, 16] there, not here\n"));
  EXPECT_THAT(refusal({"model.d_model=32"}),
              AllOf(HasSubstr("\n  embedding: F32 [512, 16] there, F32 [512, 32] here\n"),
                    HasSubstr("\n  and 8 more\n"), HasSubstr("model.d_model: 16 there, 32 here")));
}

// The surprise of swapping gates: the experts' width follows k.
TEST_F(Init, AnotherKMakesOtherExpertsAndTheMessageSaysWhatToSet) {
  begin();
  const auto text = refusal({"init.gate=fresh", "model.moe.gate.kind=switch"});
  EXPECT_THAT(text, HasSubstr("experts.down: F32 [4, 16, 16] there, F32 [4, 32, 16] here\n"));
  EXPECT_THAT(text, ::testing::EndsWith(
                        "\nExperts of layer 0 are 16 wide there and 32 here: their width is "
                        "model.active_width / (k + shared_experts), k being the gate's: 32 / (2 + 0) "
                        "there, 32 / (1 + 0) here. To keep them, set model.active_width=16."));
  EXPECT_NO_THROW(plan_init(config({"init.gate=fresh", "model.moe.gate.kind=switch",
                                    "model.active_width=16"}), kVocabulary));
  EXPECT_THAT(refusal({"init.gate=fresh", "model.moe.gate.kind=switch", "model.moe.d_hidden=32"}),
              HasSubstr("set model.active_width=16 and model.moe.d_hidden=auto."));
}

// Dense layers have the active width, too: then no width fits, only the former k.
TEST_F(Init, WithDenseLayersOnlyTheFormerKFits) {
  begin({"model.moe.first_dense=1"});
  EXPECT_THAT(refusal({"init.gate=fresh", "model.moe.first_dense=1", "model.moe.gate.kind=switch"}),
              AllOf(HasSubstr("Experts of layer 1 are 16 wide there and 32 here"),
                    HasSubstr("To keep them, give the gate the k that it had there.")));
}

TEST_F(Init, DenseAndSparseModelsDoNotBecomeEachOther) {
  begin();
  EXPECT_EQ(refusal({"model.moe=none"}),
            "has experts, and model.moe is none here: experts cannot become one dense network. Take "
            "model.moe=none out, or begin with a dense checkpoint");
  fs::remove_all(tiny_.file("there"));
  begin({"model.moe=none"});
  EXPECT_EQ(refusal({"init.gate=fresh"}),
            "is of a dense model, and model.moe asks for experts here: experts are made from a dense network "
            "where init.upcycle=true asks for it. Set that, or model.moe=none, or begin with a checkpoint that has "
            "experts");
  EXPECT_THAT(plan_init(config({"model.moe=none"}), kVocabulary).loaded, SizeIs(14));
}

// Heads share one matrix, so that another number of them fits and computes something else.
TEST_F(Init, WhatFitsAndMeansSomethingElseIsRemarked) {
  begin();
  EXPECT_THAT(plan_init(config({"model.heads=4", "model.context=8"}), kVocabulary).remarks,
              ElementsAre("model.heads: 2 there, 4 here"));
}

TEST_F(Init, HalfPrecisionTakesTheOriginals) {
  begin();
  const auto trainer = begun(config({"train.dtype=bf16"}));
  const auto loaded = by_name(model_tensors(*model_of(checkpoint()).decoder));
  const auto working = by_name(model_tensors(*trainer->model().decoder));
  for (const auto& [name, tensor] : trainer->weights().tensors()) {
    EXPECT_TRUE(at::equal(tensor, loaded.at(name))) << name;
    EXPECT_TRUE(at::equal(working.at(name), tensor.to(working.at(name).scalar_type()))) << name;
  }
}

// The trainer as the checkpoint's run left it.
std::unique_ptr<Trainer> as_saved(const std::string& checkpoint, RunConfig config) {
  config.init = {};
  auto trainer = tiny_trainer(config);
  load_checkpoint(checkpoint, *trainer);
  return trainer;
}

TEST_F(Init, AKeptOptimizerGoesOnWithItsMomentsAndItsCount) {
  begin();
  const auto here = config({"init.optimizer=keep"});
  const auto plan = plan_init(here, kVocabulary);
  EXPECT_THAT(plan.moments, SizeIs(16));
  EXPECT_EQ(init_lines(plan).back(), "the optimizer goes on with the moments of 16 parameters");
  const auto trainer = begun(here);
  const auto saved = as_saved(checkpoint(), here);
  EXPECT_THAT(differing(*trainer, *saved), IsEmpty());
  EXPECT_EQ(trainer->optimizer().steps(), 12);
  EXPECT_THAT(trainer->optimizer().late(), IsEmpty());
  EXPECT_EQ(trainer->progress().step, 0);
  EXPECT_THAT(differing(*begun(config()), *saved), Not(IsEmpty())) << "fresh moments are other ones";
}

TEST_F(Init, MomentsOfFreshGatesBeginLate) {
  begin();
  const auto here = config({"init.optimizer=keep", "init.gate=fresh", "model.moe.gate.kind=dselect_k"});
  const auto trainer = begun(here);
  EXPECT_THAT(trainer->optimizer().late(), SizeIs(8));
  for (const auto& [name, missed] : trainer->optimizer().late()) {
    EXPECT_TRUE(belongs_to_gate(name)) << name;
    EXPECT_EQ(missed, 12);
  }
  trainer->step();
  // Also after a checkpoint of its own.
  const auto again = as_saved(save_checkpoint(tiny_.file("next"), *trainer, "x: 1\n"), here);
  EXPECT_EQ(again->optimizer().steps(), 13);
  EXPECT_EQ(again->optimizer().late(), trainer->optimizer().late());
}

TEST_F(Init, MomentsThatAreNotThereAreNamed) {
  const std::string frozen = "optimizer.groups={words: {match: [embedding], freeze: true}}";
  begin({frozen});
  EXPECT_EQ(message_of<ConfigError>([&] { plan_init(config({"init.optimizer=keep"}), kVocabulary); }),
            "init.optimizer: " + checkpoint() +
                " has no moments of embedding, which its run has not trained: freeze them here too, or set "
                "init.optimizer=fresh");
  EXPECT_THAT(plan_init(config({"init.optimizer=keep", frozen}), kVocabulary).moments, SizeIs(15));
}

TEST_F(Init, WhatTheCheckpointHasCostIsNoted) {
  begin();
  const auto trainer = begun(config());
  const auto& began_with = trainer->progress().began_with;
  ASSERT_TRUE(began_with.has_value());
  const auto saved = as_saved(checkpoint(), config());
  EXPECT_EQ(began_with->checkpoint, checkpoint());
  EXPECT_EQ(began_with->step, 12);
  EXPECT_EQ(began_with->tokens, saved->progress().tokens);
  EXPECT_EQ(began_with->flops, saved->progress().flops);
  EXPECT_EQ(began_with->seconds, saved->progress().seconds);
  EXPECT_FALSE(saved->progress().began_with.has_value());
}

}  // namespace
}  // namespace moe

// init.upcycle: a mixture that begins as the dense model it was made from.
#include "train/upcycle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "configs/errors.h"
#include "tests/support/init_run.h"
#include "train/checkpoint.h"
#include "train/parameter_places.h"

namespace moe {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Tensor logits_of(Model& model) {
  ForwardContext context;
  context.token_ids = at::arange(32, at::kLong).view({2, 16}) + 97;
  at::NoGradGuard no_grad;
  return model.decoder->forward(context).logits;
}

class Upcycle : public InitTest {
 protected:
  void SetUp() override { begin({"model.moe=none", "train.dtype=fp64"}); }
  RunConfig sparse(std::vector<std::string> more = {}) const {
    more.insert(more.end(), {"init.upcycle=true", "train.dtype=fp64"});
    return config(more);
  }
  // The largest difference of any logit to the dense model's.
  double change(const std::vector<std::string>& more) const {
    const auto dense = begun(config({"model.moe=none", "train.dtype=fp64"}));
    const auto mixture = begun(sparse(more));
    return (logits_of(mixture->model()) - logits_of(dense->model())).abs().max().item<double>();
  }
  std::string refused(const std::vector<std::string>& more) const {
    return message_of<ConfigError>([&] { plan_init(sparse(more), kInitVocabulary); });
  }
};

TEST_F(Upcycle, ComputesWhatTheDenseModelDid) {
  EXPECT_LT(change({"model.active_width=64"}), 1e-12);  // top_k of 2, renormalised
  EXPECT_LT(change({"model.active_width=64", "model.moe.gate.kind=top_k", "model.moe.gate.softmax=after"}), 1e-12);
  EXPECT_LT(change({"model.active_width=96", "model.moe.experts=6", "model.moe.gate={kind: top_k, k: 3}"}), 1e-12);
  EXPECT_LT(change({"model.active_width=64", "model.moe.gate.kind=dselect_k"}), 1e-12);
  EXPECT_LT(change({"model.active_width=128", "model.moe.gate.kind=softmax"}), 1e-12);
  EXPECT_LT(change({"model.moe.first_dense=1", "model.moe.gate={kind: top_k, k: 1}"}), 1e-12);
}

// What a wrong upcycler would do: the test can tell.
TEST_F(Upcycle, WeightsThatDoNotAddUpToOneChangeIt) {
  EXPECT_GT(change({"model.active_width=64", "model.moe.gate={kind: top_k, renormalize: false}"}), 1e-3);
}

TEST_F(Upcycle, EveryExpertIsACopyAndGatesBeginAnew) {
  const auto config = sparse({"model.active_width=64", "model.moe.experts=3"});
  const auto plan = plan_init(config, kInitVocabulary);
  EXPECT_THAT(plan.copied, ElementsAre("layers.0.feed_forward.experts.gate_up", "layers.0.feed_forward.experts.down",
                                       "layers.1.feed_forward.experts.gate_up", "layers.1.feed_forward.experts.down"));
  EXPECT_THAT(plan.fresh, ElementsAre("layers.0.feed_forward.gate.weight", "layers.1.feed_forward.gate.weight"));
  EXPECT_THAT(plan.ignored, IsEmpty());
  EXPECT_THAT(plan.remarks, IsEmpty());
  EXPECT_THAT(init_lines(plan).back(), HasSubstr("copied into experts: 4 tensors: "));
  const auto mixture = begun(config);
  const auto dense = begun(this->config({"model.moe=none", "train.dtype=fp64"}));
  const auto of_dense = dense->model().decoder->named_parameters();
  const auto first = tiny_trainer(config)->model().decoder->named_parameters();
  for (const auto& item : mixture->model().decoder->named_parameters()) {
    const auto& name = item.key();
    if (belongs_to_experts(name)) {
      for (int64_t expert = 0; expert < 3; ++expert) {
        EXPECT_TRUE(at::equal(as_dense(name, item.value(), expert), of_dense[dense_name(name)])) << name;
      }
    } else {
      EXPECT_TRUE(at::equal(item.value(), belongs_to_gate(name) ? first[name] : of_dense[name])) << name;
    }
  }
  EXPECT_EQ(mixture->optimizer().steps(), 0);
  mixture->step();
  const auto experts = mixture->model().decoder->named_parameters()["layers.0.feed_forward.experts.down"];
  EXPECT_FALSE(at::equal(experts[0], experts[1])) << "from the first step on they differ";
}

// A rank that holds two of four experts fills these alone.
TEST_F(Upcycle, FillsTheShareOfARank) {
  const auto files = open_files(checkpoint(), kModelFiles);
  for (const std::string name : {"layers.1.feed_forward.experts.gate_up", "layers.1.feed_forward.experts.down"}) {
    const std::vector<int64_t> shape = name.back() == 'n' ? std::vector<int64_t>{32, 16} : std::vector<int64_t>{64, 16};
    const auto share = at::zeros({2, shape[0], shape[1]}, at::kDouble);
    TensorPart part{name, share, {4, shape[0], shape[1]}};
    part.begin = share.numel();
    read_into_experts(files, {part});
    const auto dense = begun(config({"model.moe=none", "train.dtype=fp64"}));
    for (int64_t expert = 0; expert < 2; ++expert) {
      EXPECT_TRUE(at::equal(as_dense(name, share, expert),
                            dense->model().decoder->named_parameters()[dense_name(name)]));
    }
  }
}

TEST_F(Upcycle, TheWidthToSetIsNamed) {
  EXPECT_EQ(refused({}), "init.upcycle: " + checkpoint() +
                             " has feed-forwards of width 32, and experts of layer 0 here are 16 wide, "
                             "model.active_width / k = 32 / 2: a copy is as wide as what it copies. Set "
                             "model.active_width=64, k times the width there");
  EXPECT_THAT(refused({"model.moe.d_hidden=16"}), HasSubstr("Set model.active_width=64 and model.moe.d_hidden=auto"));
  EXPECT_THAT(refused({"model.moe.first_dense=1"}),
              AllOf(HasSubstr("experts of layer 1 here are 16 wide"),
                    HasSubstr("set model.moe.first_dense=0 and model.moe.every=1, or a gate with k = 1")));
  EXPECT_THAT(refused({"model.moe.first_dense=1", "model.active_width=64"}),
              HasSubstr("layer 0 here, without experts, is 64 wide"));
  EXPECT_THAT(refused({"model.active_width=128", "model.moe.layers={'1': {gate: {kind: top_k, k: 4}}}"}),
              HasSubstr("gates of different k: give all layers one k"));
  EXPECT_THAT(refused({"model.active_width=64", "model.layers=3"}), HasSubstr("layers.2.attention.qkv: not there"));
}

TEST_F(Upcycle, WhatItIsNotForIsRefused) {
  const auto refusal_of = [&](const std::vector<std::string>& more) {
    return message_of<ConfigError>([&] { sparse(more); });
  };
  EXPECT_THAT(refusal_of({"model.active_width=96", "model.moe.shared_experts=1"}),
              HasSubstr("model.moe.shared_experts: must be 0 with init.upcycle"));
  EXPECT_THAT(refusal_of({"model.moe=none"}), HasSubstr("init.upcycle: makes experts, and model.moe is none"));
  EXPECT_THAT(refusal_of({"init.optimizer=keep"}), HasSubstr("init.optimizer: 'keep' with init.upcycle"));
  std::filesystem::remove_all(tiny_.file("there"));
  begin({"train.dtype=fp64"});
  EXPECT_THAT(refused({"model.active_width=64"}), HasSubstr("has experts already"));
}

}  // namespace
}  // namespace moe

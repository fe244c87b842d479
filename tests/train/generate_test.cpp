#include "train/generate.h"

#include <gmock/gmock.h>

#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <set>

#include "configs/errors.h"
#include "data/byte_tokenizer.h"
#include "tests/support/tiny_trainer.h"
#include "train/decode.h"
#include "train/prompt.h"
#include "train/run.h"
#include "train/sampling.h"

namespace moe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

const std::vector<int64_t> kAll = {0, 1, 2, 3};

std::set<int64_t> reachable(const std::vector<float>& logits, double temperature, double top_p) {
  std::set<int64_t> ids;
  for (int draw = 0; draw < 1000; ++draw) {
    ids.insert(choose_token(logits, kAll, temperature, top_p, draw / 1000.0));
  }
  return ids;
}

TEST(ChooseToken, TemperatureZeroIsTheFirstOfTheLargest) {
  EXPECT_EQ(choose_token({0, 2, 2, 1}, kAll, 0, 1, 0.99), 1);
  EXPECT_EQ(choose_token({0, 2, 2, 1}, {0, 2, 3}, 0, 1, 0), 2);
}

// Probabilities 0.1, 0.2, 0.3, 0.4: the draw runs through them from the likeliest down.
TEST(ChooseToken, DrawsInProportion) {
  const std::vector<float> logits = {std::log(0.1f), std::log(0.2f), std::log(0.3f),
                                     std::log(0.4f)};
  std::map<int64_t, int> counts;
  for (int draw = 0; draw < 1000; ++draw) {
    ++counts[choose_token(logits, kAll, 1, 1, (draw + 0.5) / 1000)];
  }
  EXPECT_EQ(counts, (std::map<int64_t, int>{{0, 100}, {1, 200}, {2, 300}, {3, 400}}));
  // At temperature 1/2 the probabilities are squared: 1, 4, 9 and 16 of 30.
  EXPECT_EQ(choose_token(logits, kAll, 0.5, 1, 15.9 / 30), 3);
  EXPECT_EQ(choose_token(logits, kAll, 0.5, 1, 16.1 / 30), 2);
}

TEST(ChooseToken, TopPKeepsTheFewestThatHaveIt) {
  const std::vector<float> logits = {std::log(0.1f), std::log(0.2f), std::log(0.3f),
                                     std::log(0.4f)};
  EXPECT_THAT(reachable(logits, 1, 1), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(reachable(logits, 1, 0.69), ElementsAre(2, 3));
  EXPECT_THAT(reachable(logits, 1, 0.71), ElementsAre(1, 2, 3));
  EXPECT_THAT(reachable(logits, 1, 1e-9), ElementsAre(3));
}

TEST(ChooseToken, StaysAmongTheAllowed) {
  EXPECT_EQ(choose_token({0, 1000, 0, 0}, {2}, 1, 1, 0.5), 2);
  // An id that is not allowed is not even looked at.
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(choose_token({nan, 1, 0, 0}, {1, 2}, 0, 1, 0.5), 1);
}

TEST(ChooseToken, ExtremeLogitsAndTemperatures) {
  EXPECT_EQ(choose_token({-1e30f, 1e30f, 0, 0}, kAll, 1e-6, 1, 0.999999), 1);
  EXPECT_THAT(reachable({1e30f, 1e30f, -1e30f, -std::numeric_limits<float>::infinity()}, 1, 1),
              ElementsAre(0, 1));
}

TEST(ChooseToken, RefusesWhatIsNoNumber) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(message_of<RunError>([&] {
                choose_token({0, 1, nan, 0}, kAll, 1, 1, 0);
              }),
              HasSubstr("logit of token 2 is nan, expected a number"));
}

TEST(Sampling, ContinuationsAreBytesAndTheEnd) {
  const auto ids = continuation_ids(ByteTokenizer());
  EXPECT_THAT(ids, SizeIs(257));
  EXPECT_EQ(ids.front(), 0);
  EXPECT_EQ(ids.back(), ByteTokenizer::kEnd);
}

TEST(Sampling, NoiseIsUniformAndDependsOnAllItsKeys) {
  double sum = 0;
  std::set<double> values;
  for (int64_t position = 0; position < 1000; ++position) {
    for (const double noise : {sampling_noise(1, 0, position), sampling_noise(2, 0, position),
                               sampling_noise(1, 1, position)}) {
      EXPECT_GE(noise, 0);
      EXPECT_LT(noise, 1);
      values.insert(noise);
      sum += noise;
    }
  }
  EXPECT_THAT(values, SizeIs(3000));
  EXPECT_NEAR(sum / 3000, 0.5, 0.02);
}

TEST(GenerateOptions, RefusesAbsurdValues) {
  const auto message = [](auto change) {
    GenerateOptions options;
    change(options);
    return message_of<ConfigError>([&] { options.check(); });
  };
  EXPECT_EQ(message([](auto& o) { o.tokens = 0; }),
            "--tokens: expected an integer from 1 to 1000000, found 0");
  EXPECT_EQ(message([](auto& o) { o.temperature = -0.5; }),
            "--temperature: expected a number from 0 to 100, found -0.5");
  EXPECT_THAT(message([](auto& o) { o.temperature = NAN; }), HasSubstr("--temperature"));
  EXPECT_EQ(message([](auto& o) { o.top_p = 0; }),
            "--top-p: expected a number above 0 and at most 1, found 0");
  EXPECT_THAT(message([](auto& o) { o.top_p = 1.5; }), HasSubstr("--top-p"));
  EXPECT_THAT(message([](auto& o) { o.seed = -1; }), HasSubstr("--seed"));
  EXPECT_THAT(message([](auto& o) { o.samples = 0; }), HasSubstr("--samples"));
  EXPECT_EQ(message([](auto& o) { o.mode = "nlp"; }),
            "--mode: expected nlu, s2s, nlg, none or auto, found 'nlp' (did you mean 'nlu'?)");
  EXPECT_EQ(message([](auto& o) { o.prefix_attention = "full"; }),
            "--prefix-attention: expected auto, causal or bidirectional, found 'full'");
  EXPECT_EQ(message([](auto& o) {
              o.infill = true;
              o.prompt = "no blank";
            }),
            "--infill: expected <blank> at least once in --prompt, found none");
  EXPECT_THAT(message([](auto& o) {
                o.infill = true;
                o.prompt = "a <blank>";
                o.prefix_attention = "causal";
              }),
              HasSubstr("expected auto or bidirectional with --infill, found 'causal'"));
}

// One trained run for all tests below.
class Generate : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    tiny_ = std::make_unique<TinyRun>("run: {name: tiny}\n");
    auto config = tiny_config(*tiny_, {"train.steps=5", "model.moe.gate.kind=dselect_k"});
    config.run.dir = tiny_->file("run");
    ASSERT_EQ(run_training(config, ResumeMode::kAuto, {}), RunEnd::kFinished);
  }
  static void TearDownTestSuite() { tiny_.reset(); }

  static Json made(const std::string& prompt, const std::function<void(GenerateOptions&)>& change) {
    GenerateOptions options;
    options.prompt = prompt;
    options.tokens = 40;  // more than the context of 16
    change(options);
    return generate_report(tiny_->file("run"), options);
  }
  static std::unique_ptr<TinyRun> tiny_;
};
std::unique_ptr<TinyRun> Generate::tiny_;

TEST_F(Generate, TheSameSeedTheSameText) {
  const auto one = made("the ", [](auto& o) { o.seed = 7; });
  EXPECT_EQ(one, made("the ", [](auto& o) { o.seed = 7; }));
  EXPECT_NE(one["samples"], made("the ", [](auto& o) { o.seed = 8; })["samples"]);
}

TEST_F(Generate, SamplesDifferAndDoNotDependOnTheirNumber) {
  const auto three = made("the ", [](auto& o) { o.samples = 3; })["samples"];
  const auto one = made("the ", [](auto& o) { o.samples = 1; })["samples"];
  ASSERT_EQ(three.size(), 3u);
  EXPECT_EQ(three[0], one[0]);
  EXPECT_NE(three[0]["ids"], three[1]["ids"]);
  EXPECT_NE(three[1]["ids"], three[2]["ids"]);
}

TEST_F(Generate, TemperatureZeroDoesNotDependOnTheSeed) {
  const auto greedy = [](int64_t seed, double top_p) {
    return made("the ", [&](auto& o) {
      o.temperature = 0;
      o.seed = seed;
      o.top_p = top_p;
    })["samples"];
  };
  EXPECT_EQ(greedy(1, 1), greedy(2, 0.3));
  // So little probability that only the likeliest token has it.
  const auto narrow = made("the ", [](auto& o) { o.top_p = 1e-9; })["samples"];
  EXPECT_EQ(narrow, greedy(1, 1));
}

// Every token is drawn from what the model says after all those before it.
TEST_F(Generate, EveryTokenIsFedBack) {
  const auto config = tiny_config(*tiny_);
  const ByteTokenizer tokenizer;
  auto model = build_model(config.model, tokenizer.vocabulary(), Initializer(3));
  GenerateOptions options;
  options.prompt = "every";
  options.tokens = 10;
  options.temperature = 0.1;
  options.seed = 5;
  const Reader reader{model, config.model.context, at::kCPU, 1, true};
  const auto made = generate(reader, tokenizer, {}, options).at(0).ids;
  ASSERT_THAT(made, SizeIs(10));
  auto ids = tokenizer.encode(options.prompt);
  for (int64_t position = 0; position < 10; ++position) {
    ForwardContext context;
    context.token_ids = at::tensor(ids, at::kLong).unsqueeze(0);
    context.progress = 1;
    const auto last = model.decoder->forward(context).logits[-1].detach().contiguous();
    const std::vector<float> logits(last.data_ptr<float>(), last.data_ptr<float>() + last.numel());
    ids.push_back(
        choose_token(logits, continuation_ids(tokenizer), 0.1, 1, sampling_noise(5, 0, position)));
    EXPECT_EQ(made[static_cast<size_t>(position)], ids.back()) << position;
  }
}

// A hot, hardly trained model draws from everything it may: nothing but bytes and the end.
TEST_F(Generate, OnlyBytesAndTheEnd) {
  const auto samples = made("", [](auto& o) {
    o.temperature = 100;
    o.samples = 60;
  })["samples"];
  int ends = 0;
  std::set<int64_t> seen;
  for (const auto& sample : samples) {
    const std::vector<int64_t> ids = sample["ids"];
    seen.insert(ids.begin(), ids.end());
    const bool ended = ids.back() == ByteTokenizer::kEnd;
    ends += ended ? 1 : 0;
    EXPECT_EQ(sample["ended"], ended);
    EXPECT_EQ(std::count(ids.begin(), ids.end(), ByteTokenizer::kEnd), ended ? 1 : 0);
    EXPECT_TRUE(ended || ids.size() == 40u);
  }
  EXPECT_GT(ends, 0);
  EXPECT_GT(seen.size(), 100u);
  EXPECT_GE(*seen.begin(), 0);
  EXPECT_LE(*seen.rbegin(), ByteTokenizer::kEnd);
}

TEST_F(Generate, OnlyTheLastContextTokensMatter) {
  const std::string tail = "sixteen letters!";
  ASSERT_EQ(tail.size(), 16u);
  // Many short ones: the first tokens are drawn with all of the tail in view.
  const auto ids = [](const std::string& prompt) {
    const auto report = made(prompt, [](auto& o) {
      o.tokens = 2;
      o.samples = 200;
    });
    std::vector<Json> all;
    for (const auto& sample : report["samples"]) all.push_back(sample["ids"]);
    return all;
  };
  EXPECT_EQ(ids("some text before, then " + tail), ids(tail));
  EXPECT_NE(ids("S" + tail.substr(1)), ids(tail));
}

TEST_F(Generate, ShowsBytesThatAreNotText) {
  const auto report = made("a\xff\x1b", [](auto&) {});
  EXPECT_EQ(report["prompt"], "a\\xff\\x1b");
  EXPECT_EQ(generate_text(report).rfind("a\\xff\\x1b", 0), 0u);
  const auto two = made("b", [](auto& o) { o.samples = 2; });
  EXPECT_THAT(generate_text(two), HasSubstr("--- sample 2 of 2\nb"));
}

TEST_F(Generate, WhatIsNoCheckpointIsNamed) {
  EXPECT_THAT(message_of<RunError>([] { generate_report(tiny_->folder(), {}); }),
              HasSubstr("expected a checkpoint folder"));
}

}  // namespace
}  // namespace moe

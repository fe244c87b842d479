// moe-generate on a checkpoint of a denoising objective: blanks, modes, what the prompt sees, kept keys.
#include <gmock/gmock.h>

#include <functional>

#include "tests/support/tiny_trainer.h"
#include "train/generate.h"
#include "train/run.h"

namespace moe {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

// One trained run for all tests below.
class GenerateModes : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    tiny_ = std::make_unique<TinyRun>("run: {name: tiny}\n");
    auto config = tiny_config(
        *tiny_, {"train.steps=3", "model.context=32", "objective.kind=ul2", "objective.sentinels=60"});
    config.run.dir = tiny_->file("run");
    ASSERT_EQ(run_training(config, ResumeMode::kAuto, {}), RunEnd::kFinished);
  }
  static void TearDownTestSuite() { tiny_.reset(); }

  static Json made(const std::string& prompt, const std::function<void(GenerateOptions&)>& change = {}) {
    GenerateOptions options;
    options.prompt = prompt;
    options.tokens = 40;  // more than the context
    if (change) change(options);
    return generate_report(tiny_->file("run"), options);
  }
  static Finished command(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {MOE_BIN_DIR "/moe-generate", "run", "--tokens", "12"});
    return run_to_end(arguments, tiny_->folder());
  }
  static std::unique_ptr<TinyRun> tiny_;
};
std::unique_ptr<TinyRun> GenerateModes::tiny_;

void fill(GenerateOptions& options) { options.infill = true; }

TEST_F(GenerateModes, APromptIsAPrefixInItsModeUnlessOneSaysOtherwise) {
  const auto options = [](const Json& report) {
    return report["options"]["mode"].get<std::string>() + ", " +
           report["options"]["prefix_attention"].get<std::string>();
  };
  const auto own = made("the gate");
  EXPECT_EQ(options(own), "s2s, bidirectional");
  const auto causal = made("the gate", [](auto& o) { o.prefix_attention = "causal"; });
  EXPECT_EQ(options(causal), "none, causal");
  const auto other = made("the gate", [](auto& o) { o.mode = "nlg"; });
  EXPECT_EQ(options(other), "nlg, bidirectional");
  EXPECT_NE(own["samples"], causal["samples"]);
  EXPECT_NE(own["samples"], other["samples"]);
}

TEST_F(GenerateModes, KeepingKeysChangesNoToken) {
  for (const bool infill : {false, true}) {
    const auto of = [&](bool cache) {
      return made("the <blank> sends", [&](auto& o) {
        o.infill = infill;
        o.cache = cache;
        o.samples = 3;
      });
    };
    const auto kept = of(true), again = of(false);
    EXPECT_EQ(kept["samples"], again["samples"]);
    EXPECT_EQ(kept["options"]["cache"], true);
    EXPECT_EQ(again["options"]["cache"], false);
  }
}

TEST_F(GenerateModes, FillsBlanksInTheirPlaces) {
  const auto report = made("the <blank> two <blank> rest", [](auto& o) {
    fill(o);
    o.samples = 4;
  });
  EXPECT_EQ(report["infill"]["blanks"], 2);
  EXPECT_EQ(report["infill"]["mode"], "nlu");
  EXPECT_EQ(report["options"]["prefix_attention"], "bidirectional");
  ASSERT_THAT(report["infill"]["spans"], SizeIs(4));
  for (const auto& spans : report["infill"]["spans"]) EXPECT_THAT(spans, SizeIs(2));
  for (const auto& sample : report["samples"]) {
    const std::string text = sample["text"];
    EXPECT_EQ(text.rfind("the ", 0), 0u) << text;
    EXPECT_EQ(text.substr(text.size() - 5), " rest") << text;
    EXPECT_THAT(text, HasSubstr(" two "));
    EXPECT_THAT(text, testing::Not(HasSubstr("<blank>")));
    EXPECT_EQ(sample["shown"], sample["text"]);
  }
  EXPECT_FALSE(made("the <blank>").contains("infill")) << "without --infill a blank is text";
  EXPECT_EQ(made("a <blank>", [](auto& o) {
              fill(o);
              o.mode = "nlg";
            })["infill"]["mode"],
            "nlg");
}

TEST_F(GenerateModes, RefusesMoreBlanksThanItWasTrainedWith) {
  std::string prompt;
  for (int blank = 0; blank < 61; ++blank) prompt += "<blank>";
  EXPECT_EQ(message_of<ConfigError>([&] { made(prompt, fill); }),
            "--prompt: expected at most 60 blanks, as many as the checkpoint was trained with (objective.sentinels), "
            "found 61: fill them part by part");
  EXPECT_THAT(message_of<ConfigError>([] { made("much more than thirty-two letters <blank>", fill); }),
              HasSubstr("fewer than 32 tokens"));
}

TEST_F(GenerateModes, TheProgramTakesTheFlags) {
  const auto kept = command({"--prompt", "the <blank> of", "--infill", "--mode", "nlg"});
  EXPECT_EQ(kept.code, 0) << kept.err;
  EXPECT_EQ(kept.out.rfind("the ", 0), 0u) << kept.out;
  const auto again = command({"--prompt", "the <blank> of", "--infill", "--mode", "nlg", "--no-cache"});
  EXPECT_EQ(again.out, kept.out);
  const auto plain = command({"--prompt", "the gate", "--prefix-attention", "causal", "--json"});
  EXPECT_EQ(Json::parse(plain.out)["options"]["prefix_attention"], "causal");
  const auto wrong = command({"--prompt", "the gate", "--infill"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("--infill: expected <blank>"));
}

}  // namespace
}  // namespace moe

// What moe-diagnose finds in routed text, on checkpoints whose gates were planted: specialists, flips
// against another checkpoint, load of ranks, and that it stays readable.
#include <gmock/gmock.h>

#include <cmath>
#include <sstream>

#include "configs/errors.h"
#include "tests/support/routed_checkpoint.h"
#include "train/diagnose/html.h"
#include "train/diagnose/routing_text.h"
#include "train/diagnose/text.h"
#include "train/routed/token_classes.h"

namespace moe {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(RoutedCheckpoint, AnExpertForDigitsIsSeen) {
  const auto path = checkpoint("run", {"model.moe.gate.k=1"}, plant_digits);
  const auto diagnosis = found(path);
  const auto& classes = diagnosis.layers.at(1).routing->by_class;
  const auto digit = static_cast<size_t>(byte_class('5')), lower = static_cast<size_t>(byte_class('a'));
  EXPECT_EQ(classes.tokens[digit], 1024);  // a quarter
  EXPECT_EQ(classes.shares()[digit][3], 1);
  EXPECT_EQ(classes.shares()[lower][0], 1);
  EXPECT_EQ(classes.lifts()[digit][3], 4);
  EXPECT_NEAR(*layer_figure(diagnosis.layers[1], "class_information"),
              std::log(4) / 4 + 0.75 * std::log(4 / 3.0), 1e-9);
  EXPECT_FALSE(layer_figure(diagnosis.layers[1], "source_information"));
  const auto text = diagnosis_text(diagnosis);
  EXPECT_THAT(text, HasSubstr("layer 1: digit to expert 3 (x4.0, 100 %)"));
  EXPECT_THAT(diagnosis_html(diagnosis), HasSubstr("Kinds of bytes, layer 1"));
  // One expert a token: no pairs.
  EXPECT_EQ(layer_figure(diagnosis.layers[1], "coactivation"), 0);
  EXPECT_THAT(diagnosis_html(diagnosis), Not(HasSubstr("Experts together")));
}

TEST_F(RoutedCheckpoint, AnExpertForASourceIsSeen) {
  const auto path = checkpoint("run",
                               {"model.moe.gate.k=1", "train.eval_tokens=4096",
                                "data.sources={ab: {train: " + tiny_.file("text.txt") +
                                    "}, numbers: {train: " + tiny_.file("numbers.txt") + "}}"},
                               plant_digits);
  const auto diagnosis = found(path, "");
  const auto& sources = diagnosis.layers.at(0).routing->by_source;
  EXPECT_EQ(sources.groups, (std::vector<std::string>{"ab", "numbers"}));
  EXPECT_GT(sources.tokens[0], 100);
  EXPECT_EQ(sources.shares()[1][3], 1);
  EXPECT_EQ(sources.shares()[0][3], 0);
  EXPECT_GT(*layer_figure(diagnosis.layers[0], "source_information"), 0.3);
  EXPECT_THAT(diagnosis_text(diagnosis), HasSubstr("numbers to expert 3 (x"));
  const auto json = layer_json(diagnosis.layers[0]);
  EXPECT_EQ(json.at("by_source").at("numbers").at("share"), Json({0.0, 0.0, 0.0, 1.0}));
}

// Every gate's slots are read, whether k of them or all; a capacity changes nothing of it.
TEST_F(RoutedCheckpoint, FiguresAgreeWithTheLoad) {
  for (const std::string gate : {"top_k", "dselect_k", "softmax", "switch", "round_robin"}) {
    SCOPED_TRACE(gate);
    const auto diagnosis = found(checkpoint("run_" + gate, {"model.moe.gate.kind=" + gate}));
    for (const auto& layer : diagnosis.layers) {
      EXPECT_EQ(layer.routing->chosen, layer.load.tokens_per_expert);
      EXPECT_NEAR(layer.routing->marginal_entropy - layer.routing->mutual_information,
                  layer.load.entropy, 1e-6);
      double slots = 0;
      for (const auto& of_class : layer.routing->by_class.slots) {
        for (const double count : of_class) slots += count;
      }
      EXPECT_NEAR(slots / 4096, layer.load.slots_per_token, 1e-9);
      for (size_t e = 0; e < 4; ++e) {
        if (layer.routing->chosen[e] > 0) {
          EXPECT_EQ(layer.routing->coactivation[e][e], 1);
        }
      }
    }
  }
}

TEST_F(RoutedCheckpoint, FlipsAgainstAnotherCheckpoint) {
  const auto path = checkpoint("run", {"model.moe.gate.k=1"});
  const auto turned = checkpoint("turned", {"model.moe.gate.k=1"}, turn_gates);
  auto options = options_of(path);
  options.against = path;
  EXPECT_EQ(layer_figure(diagnose(options).layers.at(1), "flips"), 0);
  options.against = turned;
  const auto diagnosis = diagnose(options);
  // The largest logit of one is the smallest of the other.
  EXPECT_EQ(layer_figure(diagnosis.layers.at(0), "saturation"), 0);
  EXPECT_EQ(layer_figure(diagnosis.layers.at(0), "flips"), 1);
  EXPECT_NEAR(diagnosis.layers.at(0).agreement->chance, 0.25, 1e-12);
  EXPECT_THAT(diagnosis_text(diagnosis), HasSubstr("those of step 0, 0.250 by chance, in\n" + turned + "\n"));
  EXPECT_EQ(diagnosis_json(diagnosis).at("against"), turned);
  // A run's rows have no choices, so that its newest checkpoint is read.
  const auto failed = program({"run", "--against", "turned", "--data", "mixed.txt", "--tokens", "64",
                               "--fail-on", "flips>0.5"});
  EXPECT_EQ(failed.code, 3) << failed.err;
  EXPECT_THAT(failed.out, HasSubstr("--fail-on flips>0.5: layer 0 has flips 1\n"));
}

// A reference without choices has nothing that could be kept; that is no figure, and no fault of this one.
TEST_F(RoutedCheckpoint, AnIdleReferenceSaysNothing) {
  auto options = options_of(checkpoint("run", {}));
  options.against = checkpoint("idle", {"model.moe.gate.kind=relu"},
                               [](const std::string& name, Tensor value) {
                                 if (is_at_end(name, "gate.weight")) value.zero_();
                               });
  const auto diagnosis = diagnose(options);
  EXPECT_FALSE(layer_figure(diagnosis.layers.at(0), "flips"));
  EXPECT_EQ(layer_figure(diagnosis.layers.at(0), "unusable_batches"), 0);
  EXPECT_THAT(diagnosis_text(diagnosis), HasSubstr(", n/a by chance, in\n"));
}

TEST_F(RoutedCheckpoint, AReferenceOfAnotherShapeIsRefused) {
  const auto path = checkpoint("run", {});
  auto options = options_of(path);
  options.against = checkpoint("eight", {"model.moe.experts=8", "model.layers=3"});
  const auto says = message_of<ConfigError>([&] { diagnose(options); });
  EXPECT_THAT(says, HasSubstr("run/checkpoints/step-00000000': 4 experts in layers 0, 1, tokenizer byte"));
  EXPECT_THAT(says, HasSubstr("eight/checkpoints/step-00000000': 8 experts in layers 0, 1, 2, "));
  options.against = checkpoint("dense", {"model.moe=none"});
  EXPECT_THAT(message_of<ConfigError>([&] { diagnose(options); }), HasSubstr("': a dense model"));
  // And of a dense model nothing of it can be asked.
  EXPECT_EQ(program({"dense", "--against", "run"}).code, 2);
  EXPECT_EQ(program({"dense", "--ranks", "2"}).code, 2);
  const auto dump = program({"dense", "--dump-routing", "x.safetensors"});
  EXPECT_EQ(dump.code, 2);
  EXPECT_THAT(dump.err, HasSubstr("leave --dump-routing out"));
  EXPECT_EQ(program({"run", "--against", "nowhere"}).code, 1);
}

TEST_F(RoutedCheckpoint, RanksOfACheckpointAndOfARun) {
  const auto path = checkpoint("run", {"model.moe.gate.k=1"}, plant_digits);
  auto options = options_of(path);
  options.ranks = 2;  // experts 0 and 1, 2 and 3: a quarter of the tokens go to the second
  const auto diagnosis = diagnose(options);
  const auto& ranks = *diagnosis.layers.at(0).ranks;
  EXPECT_EQ(ranks.rows, (std::vector<double>{3072, 1024}));
  EXPECT_EQ(ranks.batches, 64);
  EXPECT_NEAR(*layer_figure(diagnosis.layers[0], "rank_wait"), 1.5, 1e-12);
  EXPECT_THAT(diagnosis_text(diagnosis), HasSubstr("On 2 ranks of 2 experts each"));
  EXPECT_THAT(diagnosis_text(diagnosis), HasSubstr("rank 0    64 of 64  67 %"));  // of rank 1's time
  for (const char* refused : {"3", "8", "0", "-1"}) {
    const auto result = program({"run", "--ranks", refused});
    EXPECT_EQ(result.code, 2) << refused;
    EXPECT_THAT(result.err, HasSubstr("--ranks: expected"));
  }

  ASSERT_EQ(tiny_.train({"run.dir=trained", "train.steps=3"}).code, 0);
  const auto report = Json::parse(program({"trained", "--ranks", "4", "--json"}).out);
  const auto& layer = report.at("layers")[0];
  EXPECT_EQ(report.at("source"), "run");
  EXPECT_EQ(layer.at("ranks").at("rows"), layer.at("tokens_per_expert"));
  EXPECT_EQ(layer.at("ranks").at("batches"), 3);
  EXPECT_NEAR(layer.at("rank_wait").get<double>(), 1 + layer.at("max_vio_batch").get<double>(), 1e-9);
  EXPECT_TRUE(layer.at("coactivation_matrix").is_null());
}

// Lines for a terminal and a page of bounded size, with many experts too.
TEST_F(RoutedCheckpoint, ManyExpertsStayReadable) {
  auto options = options_of(checkpoint("run", {"model.moe.experts=64", "model.active_width=16"}));
  options.ranks = 64;
  options.against = options.path;
  auto diagnosis = diagnose(options);
  diagnosis.against = "run";  // a path is as long as it is
  std::istringstream lines(routing_text(diagnosis));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(text_width(line), 100u) << line;
  const auto page = diagnosis_html(diagnosis);
  EXPECT_LT(page.size(), 1000000u);
  EXPECT_THAT(page, HasSubstr("Experts together, layer 1"));
}

}  // namespace
}  // namespace moe

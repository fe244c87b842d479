// Documents that share a row: none sees anything of another, and each is as it would be alone.
#include <gtest/gtest.h>

#include "data/byte_tokenizer.h"
#include "data/text_dataset.h"
#include "tests/support/tiny_trainer.h"
#include "train/context.h"
#include "train/evaluate.h"

namespace moe {
namespace {

const std::string kFirst = "The gate\n\n", kOther = "his mate\n\n", kSecond = "sends tokens to\n\n",
                  kThird = "two experts";
constexpr int64_t kRow = 38;

// The one row of these texts, divided at blank lines.
Batch row_of(const std::string& text, int64_t length = kRow) {
  const TempDir folder;
  const TextFile file(folder.write_file("text", text + "."), "data.train", folder.path());
  TextRun run;
  run.append(file, 0, file.bytes());
  return TextDataset::for_validation({run}, length, nullptr, {true, "\n\n"})->batch(0, 1);
}

class DocumentsTest : public testing::TestWithParam<const char*> {
 protected:
  DocumentsTest()
      : config_(tiny_config(tiny_, {std::string("model.moe.gate.kind=") + GetParam(),
                                    "model.moe.dispatch=dense"})),
        model_(build_model(config_.model, ByteTokenizer::kVocabulary,
                           Initializer(3, at::kFloat, at::kCPU))) {}
  Tensor logits(const Batch& batch) {  // [T, V]
    at::NoGradGuard no_grad;
    return model_.decoder->forward(make_context(batch, at::kCPU)).logits;
  }
  TinyRun tiny_;
  RunConfig config_;
  Model model_;
};

// Dense dispatch, because the rows of a sparse product are others when another token moves.
TEST_P(DocumentsTest, NoLogitDependsOnAnotherDocument) {
  const Batch batch = row_of(kFirst + kSecond + kThird);
  const Batch changed = row_of(kOther + kSecond + kThird);
  ASSERT_EQ(batch.segments, changed.segments);
  const auto from = static_cast<int64_t>(kFirst.size());
  const auto rest = [&](const Batch& of) { return logits(of).narrow(0, from, kRow - from); };
  EXPECT_TRUE(at::equal(rest(batch), rest(changed)));
  // The test can fail: without segments it does.
  Batch whole = batch, whole_changed = changed;
  whole.segments.clear();
  whole_changed.segments.clear();
  EXPECT_FALSE(at::equal(rest(whole), rest(whole_changed)));
}

TEST_P(DocumentsTest, InTheMiddleOfARowIsAsAlone) {
  const Batch batch = row_of(kFirst + kSecond + kThird);
  const auto begin = static_cast<int64_t>(kFirst.size());
  const auto size = static_cast<int64_t>(kSecond.size());
  const Batch alone = row_of(kSecond, size);
  ASSERT_TRUE(alone.segments.empty());
  EXPECT_EQ(alone.targets.back(), ByteTokenizer::kEnd);
  const auto difference = (logits(batch).narrow(0, begin, size) - logits(alone)).abs().max();
  EXPECT_LT(difference.item<float>(), 1e-5);
  // The place in the row is seen by a gate that counts positions, were they not to begin anew.
  if (std::string(GetParam()) == "round_robin") {
    Batch running = batch;
    running.positions.clear();
    EXPECT_GT((logits(running).narrow(0, begin, size) - logits(alone)).abs().max().item<float>(),
              1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Gates, DocumentsTest,
                         testing::Values("top_k", "switch", "dselect_k", "round_robin"),
                         [](const auto& info) { return std::string(info.param); });

TEST(Documents, TrainOnSourcesAndGenerate) {
  const TinyRun tiny;
  tiny.files().write_file("code.txt", std::string(300, '(') + tiny_text(700));
  const auto run = tiny.train({"data.train=[]", "data.sources.wiki.train=text.txt",
                               "data.sources.wiki.weight=3", "data.sources.code.train=code.txt",
                               "data.documents=separator", "data.separator=.\n", "train.steps=12",
                               "train.eval_every=6", "run.dir=out"});
  ASSERT_EQ(run.code, 0) << run.err;
  int valid_rows = 0;
  for (const auto& row : tiny.rows("out")) {
    if (row.at("split") != "valid") continue;
    ++valid_rows;
    const double wiki = row.at("sources").at("wiki"), code = row.at("sources").at("code");
    EXPECT_NE(wiki, code);
    EXPECT_NEAR(row.at("loss"), 0.75 * wiki + 0.25 * code, 1e-9);
    EXPECT_EQ(row.at("objectives").at("causal"), row.at("loss"));
  }
  EXPECT_EQ(valid_rows, 2);
  EXPECT_NE(run.err.find("bits per byte; wiki "), std::string::npos) << run.err;
  const auto said = run_to_end({MOE_BIN_DIR "/moe-generate", "out", "--prompt", "The", "--tokens",
                                "5"}, tiny.folder());
  EXPECT_EQ(said.code, 0) << said.err;
}

TEST(Evaluate, SourcesAreReadInProportionEachToOneRowAtLeast) {
  const TinyRun tiny;
  tiny.files().write_file("b.txt", tiny_text(300));
  const auto config = load_config<RunConfig>(
      tiny.file("tiny.yaml"),
      {"data.train=[]", "data.sources={a: {train: " + tiny.file("text.txt") + ", weight: 99}, b: " +
                            "{train: " + tiny.file("b.txt") + "}}"});
  const auto data = open_data(config.data, config.objective, 16, 1);
  const auto trainer = tiny_trainer(config);
  const auto found = evaluate(trainer->model(), data.valid, 160, 4, 16, at::kCPU, 1);
  EXPECT_EQ(found.target_tokens, (10 + 1) * 16);
  const auto alone = evaluate(trainer->model(), {{"b", 1, data.valid[1].rows}}, 16, 4, 16, at::kCPU, 1);
  ASSERT_EQ(found.sources.size(), 2u);
  EXPECT_EQ(found.sources[1].second, alone.loss);
  EXPECT_NEAR(found.loss, 0.99 * found.sources[0].second + 0.01 * alone.loss, 1e-12);
}

}  // namespace
}  // namespace moe

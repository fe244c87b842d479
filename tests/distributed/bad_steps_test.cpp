// A loss that is not finite because of one rank's expert and one rank's row: one decision for all.
#include "data/formats/manifest.h"
#include "data/tokenizer.h"
#include "gates/hash_tables.h"
#include "tests/support/tiny_ranks.h"
#include "train/tensor_file.h"

namespace moe {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr int64_t kExperts = 4, kBroken = 3;  // the last one's: on the last rank of a row
constexpr int kBegun = 4, kSteps = 24;

// The hash gate sends a byte where its table says. Bytes of the text that go to the broken expert are rare:
// a step has them in one row, of one rank, if at all.
std::string text_with_rare_bytes() {
  const auto table = random_table(make_tokenizer("byte")->vocabulary(), kExperts, 1, 42);
  std::string usual, rare;
  for (char c = 'a'; c <= 'z'; ++c) (table[static_cast<size_t>(c)] == kBroken ? rare : usual) += c;
  uint32_t state = 4321;
  std::string text;
  for (int i = 0; i < 20'000; ++i) {
    state = state * 1664525u + 1013904223u;
    const auto draw = state >> 16;
    text += i % 400 == 200 ? rare[draw % rare.size()] : usual[draw % usual.size()];
  }
  return text;
}

class RanksBadSteps : public TinyRanks {
 protected:
  // "begun" holds a checkpoint in which one expert's values are so large that its output overflows, and finite.
  void SetUp() override {
    tiny_.files().write_file("text.txt", text_with_rare_bytes());
    train({1}, "begun", words("skip", kBegun));
    const auto folder = checkpoint("begun", kBegun), path = folder + "/model.safetensors";
    const SafetensorsFile file(path);
    std::map<std::string, std::vector<char>> bytes;
    std::vector<TensorData> tensors;
    int broken = 0;
    for (const auto& [name, info] : file.tensors()) {
      auto& values = bytes[name];
      values.resize(info.end - info.begin);
      file.read(name, values.data(), values.size());
      if (name.ends_with("gate_up")) {
        ASSERT_EQ(info.dtype, Dtype::kF32);
        ASSERT_EQ(info.shape.at(0), kExperts);
        auto* value = reinterpret_cast<float*>(values.data());
        const auto each = values.size() / sizeof(float) / kExperts;
        for (size_t i = kBroken * each; i < (kBroken + 1) * each; ++i) value[i] *= 1e25f;
        ++broken;
      }
      tensors.push_back({name, info.dtype, info.shape, values.data()});
    }
    ASSERT_EQ(broken, 2) << "layers with experts";
    fs::remove(path);
    auto manifest = read_manifest(folder);
    manifest["model.safetensors"] = write_safetensors(path, tensors, file.metadata());
    write_manifest(folder, manifest);
    ASSERT_EQ(problem_of_checkpoint(folder), "");
  }

  static Words words(const std::string& policy, int steps = kSteps) {
    return {"train.steps=" + std::to_string(steps), "train.on_nonfinite=" + policy, "train.bad_steps=100",
            "checkpoint.keep=100", "schedule.kind=constant", "model.moe.gate.kind=hash", "model.moe.dispatch=sparse"};
  }
  // The run that "begun" is, as another one.
  void copy_to(const std::string& run) const {
    fs::copy(tiny_.file("begun"), tiny_.file(run), fs::copy_options::recursive);
  }
  Json bad_steps(const std::string& run) const {
    const auto rows = tiny_.rows(run);
    return rows.at(rows.size() - 2)["bad_steps"];  // the last row is of the validation
  }
};

TEST_F(RanksBadSteps, OfOneRanksExpertAreSkippedByAll) {
  const Words more = {"checkpoint.every=4"};
  for (const auto& layout : {Layout{1}, Layout{2, 2}, Layout{4, 2, true}}) {
    SCOPED_TRACE(layout.text());
    const auto run = "skip" + std::to_string(layout.ranks);
    copy_to(run);
    const auto printed = train(layout, run, words("skip") + more);
    const auto bad = bad_steps(run)["nonfinite"].get<size_t>();
    EXPECT_GE(bad, 2u) << "no step met the broken expert, so that nothing was tested";
    EXPECT_LT(bad, static_cast<size_t>(kSteps) / 2);
    EXPECT_EQ(count_of(printed, "; its update is left out (so far "), bad) << printed;
    EXPECT_EQ(bad_steps(run), bad_steps("skip1"));
    EXPECT_EQ(saved_steps(run).front(), kSteps);
  }
}

TEST_F(RanksBadSteps, OfOneRanksExpertAreGoneBackFromByAll) {
  const Words more = {"checkpoint.every=4"};
  for (const auto& layout : {Layout{1}, Layout{2, 2}, Layout{4, 2, true}}) {
    SCOPED_TRACE(layout.text());
    const auto run = "back" + std::to_string(layout.ranks);
    copy_to(run);
    const auto printed = train(layout, run, words("rollback") + more);
    const auto bad = bad_steps(run)["rollbacks"].get<size_t>();
    EXPECT_GE(bad, 2u);
    EXPECT_EQ(count_of(printed, "; back to step "), bad) << printed;
    EXPECT_EQ(bad_steps(run), bad_steps("back1"));
    EXPECT_EQ(saved_steps(run).front(), kSteps);
  }
}

TEST_F(RanksBadSteps, OfOneRanksExpertStopAllAndAreSaidOnce) {
  const std::vector<std::pair<Words, std::string>> ends = {
      {words("stop"), "; train.on_nonfinite is stop. The run stops here; its newest good checkpoint is that of step 4"},
      {words("skip") + Words{"train.bad_steps=1"}, "that is one more bad step than the 1 of train.bad_steps"}};
  for (size_t i = 0; i < ends.size(); ++i) {
    const auto& [how, says] = ends[i];
    SCOPED_TRACE(says);
    for (const auto& layout : {Layout{2, 2}, Layout{4, 2, true}}) {
      const auto run = "stop" + std::to_string(i) + std::to_string(layout.ranks);
      copy_to(run);
      const auto printed = train(layout, run, how, kFailed);
      EXPECT_EQ(count_of(printed, says), 1u) << printed;
      EXPECT_THAT(saved_steps(run), ::testing::ElementsAre(kBegun));
    }
  }
}

}  // namespace
}  // namespace moe

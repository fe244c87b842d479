// moe-compare holds no figures of other text against each other.
#include "train/compare/measured_on.h"

#include <gmock/gmock.h>

#include "configs/errors.h"
#include "train/environment.h"
#include "tests/train/compare_runs.h"

namespace moe {
namespace {

using testing::HasSubstr;
using testing::Not;

// A base that was at 4 bits half-way and at 3 at its end, and what continues it, at 3.5.
class CompareMeasured : public Compare {
 protected:
  void SetUp() override {
    write_run("base-s1", 1, valid_row(50, "4.0") + valid_row(100, "3.0"));
    write_run("more-s1", 1, valid_row(100, "3.5"), "none", "optimizer: {clip: 2}\ninit: {from: runs/base-s1}\n");
    write_beginning("more-s1", files_.file("runs/base-s1/checkpoints/step-00000100"));
  }
  // Of `more` against the base's course.
  Json saved(const std::string& metric = "bits_per_byte") const {
    const auto all = report(metric);
    const auto row = all["savings"]["axes"][0]["variants"][0];
    EXPECT_EQ(all["variants"][1]["difference"]["mean"].is_null(), row["ratio"].is_null());
    return row;
  }
};

// Half as much held-out text may be easier text.
TEST_F(CompareMeasured, OtherTextIsNoCurve) {
  EXPECT_EQ(saved()["reach"], "reached");
  change("runs/more-s1/config.yaml", "batch_tokens: 64", "batch_tokens: 64, eval_tokens: 64");
  EXPECT_EQ(saved()["reach"], "measured on other text");
  EXPECT_EQ(saved()["quality"], 3.5);
  EXPECT_THAT(warnings(), HasSubstr("the two are not held against each other by bits_per_byte; moe-eval"));
  CompareOptions options;
  options.paths = {files_.file("runs")};
  options.curve = {"base", "more"};
  EXPECT_THROW(compare_runs(options), ConfigError);
}

// Other files' questions do not matter, nor does the context where all of the text was measured.
TEST_F(CompareMeasured, RecordsOfOtherSettingsAreNoneEither) {
  const auto record = [this](const std::string& run, const std::string& settings) {
    write_evals(run, R"("causal.bits_per_byte":{"value":3,"n":1,"better":"lower","metric":"bits per byte"})", 100,
                ",\"settings\":" + settings);
  };
  const auto reach = [&](const std::string& base, const std::string& more) {
    record("base-s1", base);
    record("more-s1", more);
    return saved("eval.causal.bits_per_byte")["reach"];
  };
  const std::string other = "measured on other text";
  EXPECT_EQ(reach(R"({"tokens":64,"context":16,"tasks":{}})", R"({"tokens":64,"context":16,"tasks":{"a":"x"}})"),
            "reached");
  EXPECT_EQ(reach(R"({"tokens":64,"context":16})", R"({"tokens":32,"context":16})"), other);
  EXPECT_EQ(reach(R"({"tokens":64,"context":16,"text":{"bytes":65,"rows":"a"}})",
                  R"({"tokens":64,"context":32,"text":{"bytes":65,"rows":"b"}})"),
            other);
  EXPECT_EQ(reach(R"({"tokens":64,"context":16,"text":{"bytes":64,"rows":"a"}})",
                  R"({"tokens":64,"context":32,"text":{"bytes":64,"rows":"b"}})"),
            "reached");
  EXPECT_EQ(reach(R"({"tokens":64,"context":16,"text":{"bytes":64,"rows":"a"}})",
                  R"({"tokens":64,"context":16,"text":{"bytes":64,"rows":"b"}})"),
            other);
  EXPECT_EQ(reach(R"({"tokens":64,"context":16,"text":{"bytes":64,"sha256":"a"}})",
                  R"({"tokens":64,"context":16,"text":{"bytes":64,"sha256":"b"}})"),
            other);
  const std::string all_of = R"({"tokens":64,"context":16,"text":{"bytes":64,"data":null}})";
  const std::string all_in_longer_rows = R"({"tokens":64,"context":32,"text":{"bytes":64,"data":null}})";
  EXPECT_EQ(reach(all_of, all_in_longer_rows), "reached");
  change("runs/more-s1/config.yaml", "text.txt", "other.txt");  // of as many bytes
  EXPECT_EQ(reach(all_of, all_in_longer_rows), other);
}

// A record of the base in the midst of training, of another text: no part of its curve.
TEST_F(CompareMeasured, ACourseIsOfOneMeasure) {
  const auto line = [](int64_t step, const std::string& value, const std::string& tokens) {
    return R"({"step":)" + std::to_string(step) + R"(,"settings":{"tokens":)" + tokens +
           R"(},"tasks":{"t":{"value":)" + value + R"(,"n":1,"better":"lower","metric":"bits"}}})" + "\n";
  };
  const auto curve = [&](const std::string& tokens_before) {
    files_.write_file("runs/base-s1/eval.jsonl", line(50, "4", tokens_before) + line(100, "3", "64"));
    files_.write_file("runs/more-s1/eval.jsonl", line(100, "3", "64"));
    return report("eval.t")["savings"]["axes"][0]["curve"].size();
  };
  EXPECT_EQ(curve("64"), 2u);
  EXPECT_EQ(curve("1024"), 1u);
}

// The loss is the objective's own; the causal bits are everyone's.
TEST_F(CompareMeasured, LossesOfOtherObjectivesAreNotHeldAgainstEachOther) {
  EXPECT_TRUE(saved("loss")["reach"].is_string());
  EXPECT_NE(saved("loss")["reach"], "measured on other text");
  change("runs/more-s1/config.yaml", "optimizer:", "objective: {kind: prefix}\noptimizer:");
  EXPECT_EQ(saved("loss")["reach"], "measured on other text");
  EXPECT_THAT(warnings("loss"), HasSubstr("more: measured on other data than base: objective.kind (causal, prefix)"));
  EXPECT_EQ(saved()["reach"], "reached");
  EXPECT_THAT(warnings(), Not(HasSubstr("other data")));
}

// A denoiser's name says nothing of its spans.
TEST_F(CompareMeasured, LossesOfADenoiserAreOfOneObjective) {
  for (const char* run : {"base-s1", "more-s1"}) {
    const auto folder = std::string("runs/") + run;
    auto rows = read_bytes(files_.file(folder + "/metrics.jsonl"));
    for (size_t at = 0; (at = rows.find("1.5}", at)) != std::string::npos;) {
      rows.replace(at, 4, R"(1.5,"span_corruption":2.5})");
    }
    files_.write_file(folder + "/metrics.jsonl", rows);
    change(folder + "/config.yaml", "train: {steps", "objective: {kind: span_corruption, rate: 0.2}\ntrain: {steps");
  }
  EXPECT_NE(saved("objectives.span_corruption")["reach"], "measured on other text");
  change("runs/more-s1/config.yaml", "rate: 0.2", "rate: 0.5");
  EXPECT_EQ(saved("objectives.span_corruption")["reach"], "measured on other text");
  EXPECT_NE(saved("objectives.causal")["reach"], "measured on other text");
}

TEST_F(CompareMeasured, RowsThatAreCutOtherwiseAreOtherText) {
  for (const auto& [was, is] :
       {std::pair("context: 16", "context: 8"), {"text.txt", "text.txt, documents: separator"}}) {
    change("runs/more-s1/config.yaml", was, is);
    EXPECT_EQ(saved()["reach"], "measured on other text") << is;
    EXPECT_THAT(warnings(), HasSubstr("not held against each other by bits_per_byte; moe-eval RUN"));
    change("runs/more-s1/config.yaml", is, was);
  }
  EXPECT_EQ(saved()["reach"], "reached");
}

// Joules of a counter and of a statement are no one cost.
TEST_F(CompareMeasured, JoulesOfSeveralKindsAreNoCost) {
  const auto row = [](int64_t step, const std::string& bits) {
    auto text = valid_row(step, bits);
    return text.insert(1, R"("joules":)" + std::to_string(step * 10) + ".0,");
  };
  files_.write_file("runs/base-s1/metrics.jsonl", row(50, "4.0") + row(100, "3.0"));
  files_.write_file("runs/more-s1/metrics.jsonl", row(100, "3.5"));
  write_beginning("more-s1", files_.file("runs/base-s1/checkpoints/step-00000100"), "1000");
  const auto axes = [this] {
    std::string names;
    const auto all = report();
    for (const auto& axis : all["savings"]["axes"]) names += axis["by"].get<std::string>() + " ";
    return names;
  };
  files_.write_file("runs/base-s1/environment.json", R"({"energy":"stated"})");
  EXPECT_THAT(axes(), HasSubstr("total_joules"));
  change("runs/more-s1/environment.json", "{", R"({"energy":"rapl",)");
  EXPECT_THAT(axes(), Not(HasSubstr("total_joules")));
  EXPECT_THAT(warnings(), HasSubstr("joules are of several kinds: rapl (more-s1), stated ("));
  // The base's statement is a part of what the other one's total is made of.
  std::filesystem::rename(files_.file("runs/base-s1"), files_.file("base-s1"));
  change("runs/more-s1/environment.json", "runs/base-s1", "base-s1");
  EXPECT_THAT(warnings(), HasSubstr("joules are of several kinds: rapl (more-s1), stated (more-s1)"));
  // So is a part of one run, which went on where no counter can be read.
  std::filesystem::rename(files_.file("base-s1"), files_.file("runs/base-s1"));
  change("runs/base-s1/environment.json", "stated", "rapl, then stated");
  change("runs/more-s1/environment.json", R"("energy":"rapl",)", "");
  EXPECT_THAT(warnings(), HasSubstr("joules are of several kinds: rapl (base-s1), stated (base-s1)"));
}

TEST(EnergySource, NamesThoseOfAllStartsOnce) {
  EXPECT_EQ(with_energy_source("rapl", "rapl"), "rapl");
  EXPECT_EQ(with_energy_source("rapl and nvml", "rapl"), "rapl and nvml, then rapl");
  EXPECT_EQ(with_energy_source("rapl, then stated", "rapl"), "rapl, then stated");
  EXPECT_EQ(energy_sources("rapl, then stated"), (std::vector<std::string>{"rapl", "stated"}));
}

// Seeds of a run without a step are the same model, and those of continuations of one checkpoint say so.
TEST_F(CompareMeasured, CopiesOfACheckpointCountOnce) {
  for (const int64_t seed : {1, 2, 3}) {
    const auto name = "none-s" + std::to_string(seed);
    write_run(name, seed, valid_row(0, "3.0"), "none", "init: {from: runs/base-s1}\n");
    change("runs/" + name + "/config.yaml", "steps: 100", "steps: 0");
    write_beginning(name, files_.file("runs/base-s1/checkpoints/step-00000100"));
  }
  const auto all = report();
  ASSERT_EQ(all["variants"][2]["name"], "none");
  EXPECT_EQ(all["variants"][2]["value"]["n"], 1);
  EXPECT_THAT(warnings(), Not(HasSubstr("of continuations of one checkpoint")));
  // The one that was measured is the one that counts, and each of them can be named.
  write_evals("none-s2", R"("t":{"value":0.5,"n":1,"better":"lower","metric":"bits"})", 0);
  EXPECT_EQ(report("eval.t")["variants"][2]["value"]["mean"], 0.5);
  EXPECT_EQ(report("eval.t", "none-s3")["baseline"], "none");
  write_run("more-s2", 2, valid_row(100, "3.4"), "none", "optimizer: {clip: 2}\ninit: {from: runs/base-s1}\n");
  write_beginning("more-s2", files_.file("runs/base-s1/checkpoints/step-00000100"));
  EXPECT_THAT(warnings(), HasSubstr("seeds are of continuations of one checkpoint: more; p and intervals say nothing"));
}

// Gates that begin anew are drawn by the seed.
TEST_F(CompareMeasured, NewGatesWithoutAStepAreNoCopies) {
  for (const int64_t seed : {1, 2}) {
    const auto name = "none-s" + std::to_string(seed);
    write_run(name, seed, valid_row(0, "3.0"), "{experts: 2, gate: {kind: top_k, k: 1}}",
              "init: {from: runs/base-s1, upcycle: true}\n");
    change("runs/" + name + "/config.yaml", "steps: 100", "steps: 0");
  }
  EXPECT_EQ(report()["variants"][2]["value"]["n"], 2);
}

// What is trained on decides on nothing where the text for validation is given.
TEST_F(CompareMeasured, OtherTextToTrainOnIsNoOtherMeasure) {
  change("runs/more-s1/config.yaml", "text.txt", "other.txt");
  EXPECT_TRUE(saved()["ratio"].is_null());
  change("runs/base-s1/config.yaml", "text.txt", "text.txt, valid: held.txt");
  change("runs/more-s1/config.yaml", "other.txt", "other.txt, valid: held.txt");
  EXPECT_TRUE(saved()["ratio"].is_number());
  EXPECT_THAT(warnings(), HasSubstr("more: measured on other data than base: data.train"));
  EXPECT_THAT(warnings(), Not(HasSubstr("not held against")));
}

}  // namespace
}  // namespace moe

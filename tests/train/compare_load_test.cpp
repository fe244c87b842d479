// moe-compare: where tokens go before and after continuing, by objective.
#include "train/compare/load_shift.h"

#include <gmock/gmock.h>

#include <cmath>

#include "tests/train/compare_runs.h"
#include "train/compare/text.h"

namespace moe {
namespace {

using testing::HasSubstr;

TEST(LoadDistance, IsOfSharesAndNotOfCounts) {
  EXPECT_DOUBLE_EQ(load_distance({1, 1, 2}, {10, 10, 20}), 0);
  EXPECT_DOUBLE_EQ(load_distance({4, 0}, {0, 7}), 1);
  EXPECT_DOUBLE_EQ(load_distance({3, 1}, {1, 3}), 0.5);
  EXPECT_TRUE(std::isnan(load_distance({1, 1}, {1, 1, 1})));
  EXPECT_TRUE(std::isnan(load_distance({0, 0}, {1, 1})));
  EXPECT_TRUE(std::isnan(load_distance({}, {})));
}

// Of one layer.
std::string load(const std::string& objective, const std::string& tokens, const std::string& max_vio) {
  return "\"" + objective + "\":[{\"layer\":1,\"tokens_per_expert\":" + tokens + ",\"max_vio\":" + max_vio + "}]";
}

using CompareLoad = Compare;

TEST_F(CompareLoad, BeforeAfterAndByObjective) {
  const std::string sparse = "{experts: 2, gate: {kind: top_k, k: 1}}";
  write_run("base-s1", 1, valid_row(100, "4.0"), sparse);
  write_evals("base-s1", "", 100, ",\"load\":{" + load("causal", "[50,50]", "0") + "}");
  for (const int64_t seed : {1, 2}) {
    const auto name = "ul2r-s" + std::to_string(seed);
    write_run(name, seed, valid_row(100, "3.0"), sparse, "init: {from: runs/base-s1}\n");
    write_beginning(name, "runs/base-s1/checkpoints/step-00000100");
    write_evals(name, "", 100,
                ",\"load\":{" + load("causal", seed == 1 ? "[60,40]" : "[80,20]", seed == 1 ? "0.2" : "0.6") + "," +
                    load("denoise.x", "[0,9]", "1") + "}");
  }
  const auto all = report();
  ASSERT_EQ(all["load"].size(), 2u);
  EXPECT_EQ(all["load"][0]["name"], "base");
  EXPECT_TRUE(all["load"][0]["objectives"]["causal"][0]["moved"].is_null());
  const auto& objectives = all["load"][1]["objectives"];
  const auto &causal = objectives["causal"][0], &denoising = objectives["denoise.x"][0];
  EXPECT_EQ(causal["layer"], 1);
  EXPECT_DOUBLE_EQ(causal["max_vio"], 0.4);
  EXPECT_EQ(causal["max_vio_before"], 0.0);
  EXPECT_DOUBLE_EQ(causal["moved"], 0.2);  // 0.1 and 0.3
  EXPECT_TRUE(causal["from_causal"].is_null());
  EXPECT_EQ(denoising["max_vio"], 1.0);
  EXPECT_TRUE(denoising["moved"].is_null());  // it was not measured before
  EXPECT_DOUBLE_EQ(denoising["from_causal"], 0.7);
  EXPECT_THAT(compare_text(all, true), HasSubstr("| ul2r | causal | 0.000 | 0.400 | 0.200 | 1 | n/a |"));
}

// Another text's tokens go elsewhere without any change of the model.
TEST_F(CompareLoad, OtherRowsMoveNothing) {
  const std::string sparse = "{experts: 2, gate: {kind: top_k, k: 1}}";
  write_run("base-s1", 1, valid_row(100, "4.0"), sparse);
  write_run("ul2r-s1", 1, valid_row(100, "3.0"), sparse, "init: {from: runs/base-s1}\n");
  write_beginning("ul2r-s1", "runs/base-s1/checkpoints/step-00000100");
  const auto moved = [this](const std::string& before, const std::string& after) {
    write_evals("base-s1", "", 100, ",\"load\":{" + load("causal", "[50,50]", "0") + "},\"settings\":" + before);
    write_evals("ul2r-s1", "", 100, ",\"load\":{" + load("causal", "[60,40]", "0") + "},\"settings\":" + after);
    return report()["load"][1]["objectives"]["causal"][0]["moved"];
  };
  EXPECT_NEAR(moved(R"({"tokens":64,"shots":0})", R"({"tokens":64,"shots":1})").get<double>(), 0.1, 1e-12);
  EXPECT_TRUE(moved(R"({"tokens":64})", R"({"tokens":32})").is_null());
  EXPECT_TRUE(moved(R"({"text":{"rows":"a"}})", R"({"text":{"rows":"b"}})").is_null());
}

// Two records of one step, the second of causal rows alone and of more of them.
TEST_F(CompareLoad, EveryObjectiveHasTheRowsItWasMeasuredOn) {
  const std::string sparse = "{experts: 2, gate: {kind: top_k, k: 1}}";
  write_run("base-s1", 1, valid_row(100, "4.0"), sparse);
  write_run("ul2r-s1", 1, valid_row(100, "3.0"), sparse, "init: {from: runs/base-s1}\n");
  write_beginning("ul2r-s1", "runs/base-s1/checkpoints/step-00000100");
  const auto record = [](const std::string& loads, const std::string& tokens) {
    return R"({"step":100,"tasks":{},"load":{)" + loads + R"(},"settings":{"tokens":)" + tokens + "}}\n";
  };
  const auto first = record(load("causal", "[50,50]", "0") + "," + load("s", "[50,50]", "0"), "64");
  files_.write_file("runs/base-s1/eval.jsonl", first);
  files_.write_file("runs/ul2r-s1/eval.jsonl", first + record(load("causal", "[60,40]", "0"), "128"));
  const Json objectives = report()["load"][1]["objectives"];
  EXPECT_TRUE(objectives["causal"][0]["moved"].is_null());
  EXPECT_EQ(objectives["s"][0]["moved"], 0.0);
  EXPECT_TRUE(objectives["s"][0]["from_causal"].is_null());
}

TEST_F(CompareLoad, RunsOfOneSeedCountOnceByTheirMean) {
  const std::string sparse = "{experts: 2, gate: {kind: top_k, k: 1}}";
  const auto write = [&](const std::string& name, int64_t seed, const std::string& max_vio) {
    write_run(name, seed, valid_row(100, "3.0"), sparse);
    write_evals(name, "", 100, ",\"load\":{" + load("causal", "[1,1]", max_vio) + "}");
  };
  write("a-s1", 1, "0.1");
  write("b-s1", 1, "0.3");
  write("c-s2", 2, "0.6");
  EXPECT_DOUBLE_EQ(report()["load"][0]["objectives"]["causal"][0]["max_vio"], 0.4);  // not 1 / 3
}

}  // namespace
}  // namespace moe

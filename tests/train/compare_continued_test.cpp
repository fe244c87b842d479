// moe-compare of runs that continue a checkpoint: total costs, savings, overhead, twins.
#include <gmock/gmock.h>

#include <cmath>

#include "configs/errors.h"
#include "tests/train/compare_runs.h"
#include "train/compare/counters.h"
#include "train/compare/text.h"
#include "train/compare/twins.h"

namespace moe {
namespace {

using testing::HasSubstr;
using testing::Not;

// Runs of 100 steps, at 1000 FLOPs, 64 tokens and a second a step (valid_row()), on top of write_beginning()'s.
class CompareContinued : public Compare {
 protected:
  void write_continued(const std::string& name, int64_t seed, const std::string& bits, const std::string& clip = "2") {
    write_run(name, seed, valid_row(0, "4.0") + valid_row(100, bits), "none",
              "optimizer: {clip: " + clip + "}\ninit: {from: runs/base-s1}\n");
    write_beginning(name, files_.file("runs/base-s1/checkpoints/step-00000100"));
  }
  Json compared(CompareOptions options) const {
    options.paths = {files_.file("runs")};
    return compare_runs(options);
  }
  static const Json& named(const Json& list, const std::string& name) {
    for (const auto& entry : list) {
      if (entry.at("name") == name) return entry;
    }
    ADD_FAILURE() << "no " << name << " in " << list;
    return list;
  }
};

TEST_F(CompareContinued, TotalsHaveWhatTheCheckpointHadCost) {
  write_run("base-s1", 1, valid_row(100, "4.0"));
  write_continued("more-s1", 1, "3.0");
  const auto all = compared({});
  const auto &base = named(all["variants"], "base"), &more = named(all["variants"], "more");
  EXPECT_EQ(base["total"]["flops"], 100000.0);
  EXPECT_TRUE(base["began_with"].is_null());
  EXPECT_EQ(more["cost"]["flops"], 100000.0);
  EXPECT_EQ(more["total"]["flops"], 108000.0);
  EXPECT_EQ(more["total"]["tokens"], 6912.0);
  EXPECT_EQ(more["total"]["seconds"], 108.0);
  EXPECT_EQ(more["total"]["six_n_d"], 6 * more["parameters"]["active"].get<double>() * 6912);
  EXPECT_EQ(more["began_with"]["flops"], 8000.0);
  EXPECT_EQ(more["began_with"]["target_tokens"], 256.0);
  EXPECT_TRUE(more["total"]["target_tokens"].is_null());  // these rows have none
  EXPECT_TRUE(more["total"]["joules"].is_null());         // the checkpoint's are not known
  EXPECT_TRUE(more["total"]["kwh"].is_null());
  EXPECT_EQ(more["runs"][0]["began_with"]["step"], 100);
  const auto text = compare_text(all, false);
  EXPECT_THAT(text, HasSubstr("not measured"));
  EXPECT_THAT(text, HasSubstr("7.41 %"));  // 8000 of 108000
}

TEST_F(CompareContinued, AttentionMayBeLeftOut) {
  write_run("base-s1", 1, valid_row(100, "4.0"));
  write_continued("more-s1", 1, "3.0");
  for (const std::string run : {"base-s1", "more-s1"}) {
    change("runs/" + run + "/metrics.jsonl", "\"flops\":100000", "\"flops\":100000,\"flops_attention\":30000");
  }
  CompareOptions options;
  options.flops = "without_attention";
  options.over_time = 1;
  options.by = "total_flops";
  const auto all = compared(options);
  EXPECT_EQ(all["flops"]["convention"], "without_attention");
  EXPECT_THAT(all["flops"]["formula"].get<std::string>(), HasSubstr("scores and mixing out"));
  EXPECT_EQ(named(all["variants"], "more")["total"]["flops_without_attention"], 76000.0);
  EXPECT_EQ(all["overhead"][0]["flops"], Json({{"own", 70000.0}, {"before", 6000.0}, {"share", 70.0 / 6}}));
  EXPECT_EQ(all["savings"]["axes"][0]["by"], "total_flops_without_attention");
  EXPECT_EQ(all["over_time"]["by"], "total_flops_without_attention");
  EXPECT_EQ(all["over_time"]["at"], Json({76000.0}));
  options.flops = "attention";
  EXPECT_THROW(compared(options), ConfigError);
}

// On the base's validations, 4 bits at 50000 FLOPs and 2 at 100000: 3 bits at their geometric mean.
TEST_F(CompareContinued, SavingsOnTheBaselinesValidations) {
  write_run("base-s1", 1, valid_row(50, "4.0") + valid_row(100, "2.0"));
  write_continued("good-s1", 1, "3.0");
  write_continued("best-s1", 1, "1.0", "3");
  const auto all = compared({});
  const auto& savings = all["savings"];
  EXPECT_EQ(savings["better"], "lower");
  EXPECT_EQ(savings["curve"], Json({{"from", "validations"}, {"variants", {"base"}}}));
  const auto& flops = savings["axes"][0];
  EXPECT_EQ(flops["by"], "total_flops");
  EXPECT_EQ(flops["curve"].size(), 2u);
  const auto &good = named(flops["variants"], "good"), &best = named(flops["variants"], "best");
  EXPECT_NEAR(good["baseline_compute"], std::sqrt(5e9), 1e-6);
  EXPECT_NEAR(good["ratio"], std::sqrt(5e9) / 108000, 1e-12);
  EXPECT_NEAR(good["saved"], 1 - 108000 / std::sqrt(5e9), 1e-12);
  EXPECT_EQ(good["reach"], "reached");
  EXPECT_TRUE(good["ci"].is_null());
  EXPECT_EQ(best["reach"], "not reached");
  EXPECT_TRUE(best["ratio"].is_null());
  EXPECT_TRUE(best["baseline_compute"].is_null());
  EXPECT_THAT(compare_text(all, false), HasSubstr("not reached"));
  EXPECT_THAT(compare_text(all, true), HasSubstr("| 0.655x | one seed |"));
}

// Ends at 100000 and 108000 FLOPs: intermediate validations of a schedule that goes on say less than a finished one.
TEST_F(CompareContinued, SavingsOnTheEndsOfSeveralVariants) {
  write_run("base-s1", 1, valid_row(50, "9.0") + valid_row(100, "4.0"));
  write_continued("causal-s1", 1, "3.0");
  write_continued("causal-s2", 2, "2.0");
  for (int64_t seed = 1; seed <= 3; ++seed) {
    write_continued("ul2r-s" + std::to_string(seed), seed, seed == 2 ? "3.5" : "3.0", "3");
  }
  CompareOptions options;
  options.curve = {"base", "causal"};
  const auto savings = compared(options)["savings"];
  EXPECT_EQ(savings["curve"], Json({{"from", "ends"}, {"variants", {"base", "causal"}}}));
  const auto& flops = savings["axes"][0];
  EXPECT_EQ(flops["curve"],
            Json({{{"compute", 100000.0}, {"quality", 4.0}}, {{"compute", 108000.0}, {"quality", 2.5}}}));
  ASSERT_EQ(flops["variants"].size(), 1u);
  const auto& ul2r = flops["variants"][0];
  EXPECT_EQ(ul2r["seeds"], 3);
  EXPECT_EQ(ul2r["drawn"], Json({"candidate", "baseline"}));
  EXPECT_NEAR(ul2r["ratio"], 100000 * std::pow(1.08, (4 - 9.5 / 3) / 1.5) / 108000, 1e-12);
  EXPECT_LE(ul2r["ci"][0], ul2r["ratio"]);
  EXPECT_GE(ul2r["ci"][1], ul2r["ratio"]);
  options.curve = {"base", "cusal"};
  EXPECT_THAT(message_of<ConfigError>([&] { compared(options); }), HasSubstr("--curve: expected a variant"));
}

// A quarter of the draws lies beyond either end of the curve, and their mean on it.
TEST_F(CompareContinued, AnIntervalMayBeOpenAtBothEnds) {
  write_run("base-s1", 1, valid_row(50, "4.0") + valid_row(100, "2.0"));
  write_continued("more-s1", 1, "5.0");
  write_continued("more-s2", 2, "1.0");
  const auto all = compared({});
  EXPECT_EQ(all["savings"]["axes"][0]["variants"][0]["ci"], Json({nullptr, nullptr}));
  EXPECT_THAT(compare_text(all, true), HasSubstr("| 0.655x | before the curve to not reached |"));
  write_continued("more-s1", 1, "1.5");
  EXPECT_THAT(compare_text(compared({}), true), HasSubstr("| not reached | not reached |"));
  write_continued("more-s1", 1, "5.5");
  write_continued("more-s2", 2, "5.0");
  EXPECT_THAT(compare_text(compared({}), true), HasSubstr("| before the curve begins | before the curve |"));
}

// What has not come to its end would flatter or be flattered.
TEST_F(CompareContinued, UnfinishedRunsHaveNoSavingsAndNoEqualCost) {
  write_run("t-dense-s1", 1, valid_row(40, "5.0") + valid_row(100, "2.0"));
  write_run("t-sparse-s1", 1, valid_row(40, "4.0") + valid_row(100, "3.0"), "{experts: 4}");
  EXPECT_TRUE(compared({}).contains("savings"));
  EXPECT_TRUE(compared({}).contains("equal_cost"));
  write_run("t-dense-s1", 1, valid_row(40, "5.0") + valid_row(90, "2.0"));
  EXPECT_FALSE(compared({}).contains("savings"));
  EXPECT_FALSE(compared({}).contains("equal_cost"));
  EXPECT_THAT(warnings(), HasSubstr("t-dense-s1: unfinished: step 90 of 100: left out of means and tests, of savings"));
}

TEST_F(CompareContinued, NoSavingsOfWhatIsNeitherGoodNorBad) {
  write_pairs();
  EXPECT_TRUE(report().contains("savings"));
  EXPECT_FALSE(report("moe.slots_per_token").contains("savings"));
  EXPECT_FALSE(report("train.loss").contains("savings"));
}

TEST_F(CompareContinued, SectionsAreAbsentWithoutContinuationsAndRecords) {
  write_pairs();
  for (const char* section : {"overhead", "transfer", "load"}) {
    EXPECT_FALSE(report().contains(section)) << section;
  }
}

TEST_F(CompareContinued, OverheadIsOwnCostOverTheCheckpoints) {
  write_run("base-s1", 1, valid_row(100, "4.0"));
  write_continued("more-s1", 1, "3.0");
  const auto overhead = compared({})["overhead"];
  ASSERT_EQ(overhead.size(), 1u);
  EXPECT_EQ(overhead[0]["flops"], Json({{"own", 100000.0}, {"before", 8000.0}, {"share", 12.5}}));
  EXPECT_EQ(overhead[0]["seconds"]["share"], 12.5);
  EXPECT_TRUE(overhead[0]["joules"]["share"].is_null());
}

TEST_F(CompareContinued, JoulesAreAddedWhereBothAreKnown) {
  write_run("base-s1", 1, valid_row(100, "4.0"));
  write_continued("more-s1", 1, "3.0");
  write_beginning("more-s1", "runs/base-s1/checkpoints/step-00000100", "500.0");
  change("runs/more-s1/metrics.jsonl", "\"flops\":100000", "\"flops\":100000,\"joules\":250.0");
  const auto all = compared({});
  const auto& more = named(all["variants"], "more");
  EXPECT_EQ(more["total"]["joules"], 750.0);
  EXPECT_GE(more["total"]["kwh"], 750.0 / 3.6e6);
  EXPECT_EQ(all["overhead"][0]["joules"]["share"], 0.5);
  EXPECT_THAT(compare_text(all, false), HasSubstr("750"));
}

// As of a run from before costs were noted.
TEST_F(CompareContinued, WithoutANoteOfTheBeginningTotalsAreNotKnown) {
  write_continued("more-s1", 1, "3.0");
  std::filesystem::remove(files_.file("runs/more-s1/environment.json"));
  const auto all = compared({});
  EXPECT_TRUE(all["variants"][0]["total"]["flops"].is_null());
  EXPECT_EQ(all["variants"][0]["cost"]["flops"], 100000.0);
  EXPECT_EQ(all["overhead"][0]["flops"], Json({{"own", 100000.0}, {"before", nullptr}, {"share", nullptr}}));
  EXPECT_THAT(warnings(), HasSubstr("more-s1: continues runs/base-s1, and its environment.json does not say"));
  write_beginning("more-s1", "runs/base-s1/checkpoints/step-00000100");
  EXPECT_THAT(warnings(), Not(HasSubstr("does not say")));
}

// 1000 FLOPs and a second a step; the sparse run stops at 80 steps' cost.
TEST_F(CompareContinued, SparseAgainstDenseAtTheLastCommonCost) {
  write_run("t-dense-s1", 1, valid_row(40, "5.0") + valid_row(100, "2.0"));
  write_run("t-sparse-s1", 1, valid_row(40, "4.0") + valid_row(100, "1.0"), "{experts: 4}");
  change("runs/t-sparse-s1/metrics.jsonl", "\"flops\":100000", "\"flops\":80000");
  const auto equal = compared({})["equal_cost"];
  ASSERT_EQ(equal.size(), 1u);
  EXPECT_EQ(equal[0]["name"], "sparse");
  EXPECT_EQ(equal[0]["dense"], "dense");
  EXPECT_EQ(equal[0]["flops"]["at"], 80000.0);
  EXPECT_EQ(equal[0]["flops"]["sparse"], 1.0);
  EXPECT_EQ(equal[0]["flops"]["dense"], 3.0);
  EXPECT_EQ(equal[0]["flops"]["difference"]["mean"], -2.0);
  EXPECT_EQ(equal[0]["seconds"]["at"], 100.0);
  EXPECT_EQ(equal[0]["seconds"]["dense"], 2.0);
  EXPECT_THAT(compare_text(compared({}), true), HasSubstr("| equal FLOPs | 80.0 K | 1.0000 | 3.0000 | -2.0000 |"));
}

// At its base's end a continued run is that base.
TEST_F(CompareContinued, ABaselineThatTheSparseRunContinuesIsNoTwin) {
  write_run("base-s1", 1, valid_row(50, "4.0") + valid_row(100, "2.0"));
  write_run("sparse-s1", 1, valid_row(0, "2.0") + valid_row(100, "1.0"), "{experts: 4}",
            "init: {from: runs/base-s1, upcycle: true}\n");
  write_beginning("sparse-s1", "runs/base-s1/checkpoints/step-00000100");
  EXPECT_FALSE(compared({}).contains("equal_cost"));
  write_beginning("sparse-s1", "runs/other-s1/checkpoints/step-00000100");
  EXPECT_EQ(compared({})["equal_cost"][0]["dense"], "base");
}

// Records by hand: objectives as sweeps differ in them.
Variant variant_of(const std::string& name, bool sparse, bool continued, const std::string& objective) {
  RunRecord run;
  run.identity = {{"objective.kind", objective}, {"model.moe", sparse ? "sparse" : "none"}, {"train.steps", "10"}};
  if (objective != "causal") run.identity.emplace_back("objective.mixture", "ul2r");
  if (sparse) run.config.model.moe.emplace();
  if (continued) run.config.init.from = "base";
  return {name, name, {run}};
}

TEST(Twins, ControlIsTheSameButCausal) {
  const std::vector<Variant> variants = {
      variant_of("base", false, false, "causal"), variant_of("dense causal", false, true, "causal"),
      variant_of("dense ul2r", false, true, "ul2"), variant_of("sparse ul2r", true, true, "ul2")};
  EXPECT_EQ(matched_control(variants, 2), 1u);
  EXPECT_EQ(matched_control(variants, 3), std::nullopt);  // none is sparse
  EXPECT_EQ(matched_control(variants, 1), std::nullopt);  // it is one
  EXPECT_EQ(matched_control(variants, 0), std::nullopt);
  EXPECT_EQ(dense_twin(variants, 3), 2u);
  EXPECT_EQ(dense_twin(variants, 2), std::nullopt);
  auto longer = variants;
  longer[1].runs[0].identity.back().second = "20";  // train.steps
  EXPECT_EQ(matched_control(longer, 2), std::nullopt);
  auto twice = variants;
  twice.push_back(variants[1]);
  EXPECT_EQ(matched_control(twice, 2), std::nullopt);
}

// Experts that are copies of the dense network make k times its active width.
TEST(Twins, AnUpcycledOnesIsNarrower) {
  std::vector<Variant> variants = {variant_of("dense", false, true, "causal"),
                                   variant_of("sparse", true, true, "causal")};
  variants[0].runs[0].identity.emplace_back("model.active_width", "32");
  variants[1].runs[0].identity.emplace_back("model.active_width", "64");
  EXPECT_EQ(dense_twin(variants, 1), std::nullopt);
  variants[1].runs[0].config.init.upcycle = true;
  EXPECT_EQ(dense_twin(variants, 1), 0u);
}

TEST(Counters, AreOfTheRowOrOfAllTraining) {
  RunRecord run;
  const Json row = {{"flops", 100}, {"flops_attention", 30}, {"step", 5}, {"joules", nullptr}};
  EXPECT_EQ(counter_at(run, row, "step"), 5);
  EXPECT_EQ(counter_at(run, row, "flops_without_attention"), 70);
  EXPECT_EQ(counter_at(run, row, "total_flops"), 100);
  EXPECT_TRUE(std::isnan(counter_at(run, row, "joules")));
  EXPECT_TRUE(std::isnan(counter_at(run, row, "seconds")));
  run.began = BeganWith();
  run.began->flops = 1000, run.began->flops_attention = 400;
  EXPECT_EQ(counter_at(run, row, "flops"), 100);
  EXPECT_EQ(counter_at(run, row, "total_flops"), 1100);
  EXPECT_EQ(counter_at(run, row, "total_flops_without_attention"), 670);
  EXPECT_EQ(axis_label("total_flops_without_attention"), "total FLOPs without attention");
  EXPECT_EQ(with_flops_axis("total_flops", AttentionFlops::kWithout), "total_flops_without_attention");
  EXPECT_EQ(with_flops_axis("seconds", AttentionFlops::kWithout), "seconds");
}

}  // namespace
}  // namespace moe

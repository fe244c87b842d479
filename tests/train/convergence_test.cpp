// Gate convergence as people see it: in the progress line, in the log, in reports and in moe-diagnose;
// and rows that hold lists and nulls in every reader of rows.
#include <gmock/gmock.h>

#include <cmath>

#include "configs/config_io.h"
#include "tests/support/tiny_run.h"
#include "train/diagnose/convergence_table.h"
#include "train/diagnose/rows.h"
#include "train/lock_in.h"
#include "train/progress_line.h"
#include "train/report/bar_chart.h"
#include "train/report/run_report.h"

namespace moe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

RunConfig dselect_config() {
  return parse_config<RunConfig>(kTinyConfig, "tiny", {"model.moe.gate.kind=dselect_k"});
}

// A training row of one layer. `more` is put into it as it stands.
Json row(int64_t step, const std::string& more, const std::string& load = "[30,30,30,30]") {
  return Json::parse(R"({"step":)" + std::to_string(step) +
                     R"(,"split":"train","loss":2.5,"moe":[{"layer":1,"tokens_per_expert":)" + load +
                     R"(,"slots_per_token":2,)" + more + "}]}");
}

const char* const kFormed = R"("entropy":1,"empty_tokens":0.1,"dropped":0,"top_weight":0.75,)"
                            R"("slots_histogram":[6,12,36,6],)"
                            R"("gate":{"saturated_bits":0.5,"saturated_bits_by_selector":[0.2,0.8]})";
const char* const kNotFormed = R"("entropy":null,"empty_tokens":null,"dropped":null,)"
                               R"("top_weight":null,"slots_histogram":[],"gate":{})";

std::string report_of(const std::vector<Json>& rows) {
  RunHistory history;
  for (const auto& one : rows) history.add(one);
  return run_report(dselect_config(), history, {});
}

TEST(Convergence, ProgressLineHasTheShareOfDecidedBits) {
  std::map<int64_t, LoadMetrics> loads;
  for (const int64_t layer : {0, 1, 2}) loads[layer].tokens_per_expert = {1, 1};
  EXPECT_THAT(load_text(loads), Not(HasSubstr("sat")));
  loads[0].gate["saturated_bits"] = 0.2;
  loads[2].gate["saturated_bits"] = 0.7;  // layer 1 has a gate without bits
  EXPECT_THAT(load_text(loads), testing::EndsWith("slots  sat 0.45"));
  loads[1].gate["inner.saturated_bits"] = 0.6;  // a gate made of gates
  loads[1].gate["inner.saturated_bits_by_group"] = 9;
  EXPECT_THAT(load_text(loads), testing::EndsWith("slots  sat 0.50"));
}

TEST(Convergence, ReportHasALinePerSelectorAndTheLastHistogram) {
  const auto page = report_of({row(10, kFormed), row(20, kFormed)});
  EXPECT_THAT(page, HasSubstr("<h2>Gate convergence</h2>"));
  EXPECT_THAT(page, HasSubstr("Saturated bits by selector, layer 1"));
  EXPECT_THAT(page, HasSubstr("Weight on the top slot"));
  EXPECT_THAT(page, HasSubstr("Share of the tokens with that many live slots, step 20."));
  EXPECT_THAT(page, HasSubstr("<span>2</span><div><i style=\"width:60.0%\"></i></div><span>60.0 %</span>"));
  EXPECT_THAT(page, Not(HasSubstr("class=\"warn\"")));
}

TEST(Convergence, BarsOfManySlotsShareTheLast) {
  std::string bins = "[1";
  for (int i = 1; i < 40; ++i) bins += ",1";
  auto of_many = row(1, kFormed);
  of_many["moe"][0]["slots_histogram"] = Json::parse(bins + "]");
  const auto page = report_of({of_many});
  EXPECT_THAT(page, HasSubstr("<span>16 and more</span><div><i style=\"width:60.0%\">"));
  EXPECT_THAT(page, Not(HasSubstr("<span>17</span>")));
  EXPECT_THAT(bar_chart({"t", "", {{"a", 0}}}), HasSubstr("Nothing to show yet."));
}

// log.diagnostics: false is no fault: nothing warns of it, and nothing draws it.
TEST(Convergence, FiguresThatWereNotFormedAreNoFault) {
  const std::vector<Json> rows = {row(10, kNotFormed), row(20, kNotFormed)};
  const auto page = report_of(rows);
  EXPECT_THAT(page, Not(HasSubstr("class=\"warn\"")));
  EXPECT_THAT(page, Not(HasSubstr("Gate entropy")));
  EXPECT_THAT(page, Not(HasSubstr("No finite value yet.")));
  const auto layers = pool_rows(rows, dselect_config());
  ASSERT_THAT(layers, SizeIs(1));
  EXPECT_FALSE(layers[0].diagnostics);
  EXPECT_EQ(layers[0].unusable, 0);
  EXPECT_EQ(layers[0].load.slots_per_token, 2);
  // But a check must not pass on them.
  EXPECT_THAT(tripped(parse_conditions("top_weight<0.3"), layers), SizeIs(1));
  // A row with them is pooled beside those without.
  const auto mixed = pool_rows({row(10, kFormed), row(20, kNotFormed)}, dselect_config());
  EXPECT_EQ(mixed.at(0).unusable, 0);
  EXPECT_EQ(mixed.at(0).load.entropy, 1);
  // One that is not a number among those that were formed still is a fault.
  auto broken = row(20, kFormed);
  broken["moe"][0]["entropy"] = nullptr;
  EXPECT_EQ(pool_rows({broken}, dselect_config()).at(0).unusable, 1);
  EXPECT_THAT(report_of({row(10, kFormed), broken}), HasSubstr("moe.entropy/layer_1 was not finite in 1 of 2"));
}

TEST(Convergence, ListsArePooledEntryByEntry) {
  auto other = row(20, kFormed);
  other["moe"][0]["gate"]["saturated_bits_by_selector"] = {0.4, 1.0};
  other["moe"][0]["slots_histogram"] = {0, 60};
  other["moe"][0]["top_weight"] = 0.25;
  const auto layer = pool_rows({row(10, kFormed), other}, dselect_config()).at(0);
  EXPECT_EQ(layer.unusable, 0);
  const auto& bits = layer.load.gate_lists.at("saturated_bits_by_selector");
  EXPECT_NEAR(bits.at(0), 0.3, 1e-12);
  EXPECT_NEAR(bits.at(1), 0.9, 1e-12);
  EXPECT_THAT(layer.load.slots_histogram, ElementsAre(6, 72, 36, 6));
  EXPECT_EQ(layer_figure(layer, "top_weight"), 0.5);
  const auto json = layer_json(layer);
  EXPECT_EQ(json.at("gate").at("saturated_bits_by_selector").size(), 2u);
  EXPECT_EQ(json.at("slots_histogram"), Json({6.0, 72.0, 36.0, 6.0}));

  Diagnosis diagnosis;
  diagnosis.layers = {layer};  // k 2
  const auto table = convergence_table(diagnosis);
  ASSERT_THAT(table.rows, SizeIs(1));
  EXPECT_THAT(table.rows[0], ElementsAre("1", "0.050", "0.600", "0.300", "0.050", "0.500", "0.300 0.900"));
}

TEST(Convergence, RowsOfOlderRunsHaveNeither) {
  const auto old = row(10, R"("entropy":1,"empty_tokens":0,"dropped":0,"gate":{"saturated_bits":1})");
  const auto layer = pool_rows({old}, dselect_config()).at(0);
  EXPECT_EQ(layer.unusable, 0);
  EXPECT_FALSE(layer_figure(layer, "top_weight").has_value());
  Diagnosis diagnosis;
  diagnosis.layers = {layer};
  EXPECT_THAT(convergence_table(diagnosis).rows, IsEmpty());
}

// What no run writes, in the place of lists: nothing throws, and it is counted.
TEST(Convergence, HostileLists) {
  const auto config = dselect_config();
  for (const char* gate : {"[\"a\",2]", "[null,1]", "[]", "[[1],[2]]", "{}", "\"text\"", "[1,2,3]"}) {
    auto broken = row(20, kFormed);
    broken["moe"][0]["gate"]["saturated_bits_by_selector"] = Json::parse(gate);
    const std::vector<Json> rows = {row(10, kFormed), broken};
    EXPECT_EQ(pool_rows(rows, config).at(0).unusable, 1) << gate;
    EXPECT_THAT(report_of(rows), HasSubstr("Saturated bits by selector, layer 1")) << gate;
  }
  for (const char* bins : {"[-1,2]", "[\"x\"]", "[1,2,3,4,5,6]", "7", "{}", "[1e999]"}) {
    auto broken = row(20, kFormed);
    broken["moe"][0]["slots_histogram"] =
        std::string(bins) == "[1e999]" ? Json(std::vector<Json>{nullptr}) : Json::parse(bins);
    EXPECT_EQ(pool_rows({broken}, config).at(0).unusable, 1) << bins;
    EXPECT_THAT(report_of({row(10, kFormed), broken}), HasSubstr("</html>")) << bins;
  }
}

TEST(Convergence, LockInIsSaidOnceForALayer) {
  const auto config = dselect_config();
  LockInWatch watch(config);
  const std::string decided = R"("entropy":0,"empty_tokens":0,"dropped":0,"gate":{"saturated_bits":0.97})";
  const std::string open = R"("entropy":0,"empty_tokens":0,"dropped":0,"gate":{"saturated_bits":0.9})";
  const std::string skewed = "[400,10,10,10]";
  EXPECT_THAT(watch.news(row(10, decided)), IsEmpty()) << "decided, and well loaded";
  EXPECT_THAT(watch.news(row(20, open, skewed)), IsEmpty()) << "badly loaded, and can still move";
  EXPECT_THAT(watch.news(row(21, kNotFormed, skewed)), IsEmpty());
  EXPECT_THAT(watch.news(row(30, decided, skewed)),
              ElementsAre(HasSubstr("layer 1 has locked in at step 30: 97 % of its selectors' bits are "
                                    "decided, and the busiest expert has 3.7 times the fair share")));
  EXPECT_THAT(watch.news(row(31, decided, skewed)), IsEmpty());
  const auto dense = parse_config<RunConfig>(kTinyConfig, "tiny", {"model.moe=none"});
  EXPECT_THAT(LockInWatch(dense).news(row(30, decided, skewed)), IsEmpty());
}

TEST(Convergence, LockInOfAGateWithinAGateIsSaid) {
  const auto config = dselect_config();
  LockInWatch watch(config);
  const auto with = [](const std::string& figures) {
    return R"("entropy":0,"empty_tokens":0,"dropped":0,"gate":{)" + figures + "}";
  };
  const std::string skewed = "[400,10,10,10]", level = R"("inner.saturated_bits":)";
  EXPECT_THAT(watch.news(row(10, with(level + "0.9"), skewed)), IsEmpty()) << "can still move";
  EXPECT_THAT(watch.news(row(20, with(R"("unsaturated_bits":1)"), skewed)), IsEmpty()) << "another figure";
  EXPECT_THAT(watch.news(row(30, with(level + R"(0.97,"outer.saturated_bits":1)"), skewed)),
              ElementsAre(HasSubstr("97 % of its inner selectors' bits are decided, and the busiest")));
}

// All weight has gone to codes without an expert.
TEST(Convergence, LockInOfAnIdleLayerIsSaid) {
  const auto config = dselect_config();
  const std::string decided = R"("entropy":0,"empty_tokens":1,"dropped":0,"gate":{"saturated_bits":1})";
  EXPECT_THAT(LockInWatch(config).news(row(30, decided, "[0,0,0,0]")),
              ElementsAre(HasSubstr("bits are decided, and no expert has a token. Decided bits")));
}

// A run whose gamma narrows: what is validated half-way is what the checkpoint of that step says
// later, to moe-diagnose too.
TEST(Convergence, ACheckpointIsUsedWithTheGammaOfItsStep) {
  const TinyRun tiny;
  ASSERT_EQ(tiny.train({"run.dir=run", "train.steps=20", "train.eval_every=10", "checkpoint.every=10",
                        "checkpoint.keep=5", "model.moe.gate.kind=dselect_k", "model.moe.gate.gamma=40",
                        "model.moe.gate.gamma_final=0.01", "model.moe.gate.init_scale=10"})
                .code,
            0);
  double valid = 0;
  for (const auto& one : tiny.rows("run")) {
    if (one.at("split") == "valid" && one.at("step") == 10) valid = one.at("loss");
  }
  const auto result = run_to_end({MOE_BIN_DIR "/moe-diagnose", "run/checkpoints/step-00000010", "--tokens",
                                  "128", "--json"},
                                 tiny.folder());
  ASSERT_EQ(result.code, 0) << result.err;
  const auto report = Json::parse(result.out);
  EXPECT_NEAR(report.at("loss").get<double>(), valid, 1e-6);
  EXPECT_GT(report.at("layers")[0].at("slots_per_token").get<double>(), 2.5);  // not yet narrow
}

TEST(Convergence, EveryProgramCopesWithoutDiagnostics) {
  const TinyRun tiny;
  const auto trained = tiny.train({"run.dir=run", "log.diagnostics=false", "model.moe.gate.kind=dselect_k"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_THAT(read_bytes(tiny.file("run/report.html")), Not(HasSubstr("class=\"warn\"")));
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{MOE_BIN_DIR "/moe-diagnose", "run", "--fail-on", "unusable_batches>0"},
        {MOE_BIN_DIR "/moe-diagnose", "run", "--html", tiny.file("page.html")},
        {MOE_BIN_DIR "/moe-diagnose", "run", "--watch"},
        {MOE_BIN_DIR "/moe-compare", "run", "--html", tiny.file("compare.html")},
        {MOE_BIN_DIR "/moe-compare", "run", "--metric", "moe.slots_per_token"}}) {
    const auto result = run_to_end(command, tiny.folder());
    EXPECT_EQ(result.code, 0) << command[1] << command[2] << result.out << result.err;
    EXPECT_THAT(result.out, Not(HasSubstr("not_finite")));
    EXPECT_THAT(result.out, Not(HasSubstr("nan")));
  }
}

}  // namespace
}  // namespace moe

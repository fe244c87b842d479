// The parts of reports: what a chart draws and leaves out, how long runs are thinned, what a heat
// map's colours mean, and that no text can break a page.
#include <gmock/gmock.h>

#include <cmath>

#include "train/report/axis.h"
#include "train/report/heat_map.h"
#include "train/report/html.h"
#include "train/report/line_chart.h"
#include "train/report/row_scalars.h"
#include "train/report/run_history.h"
#include "train/report/run_report.h"

namespace moe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

const double kNan = std::nan("");

std::vector<std::string> labels(const Axis& axis) {
  std::vector<std::string> all;
  for (const auto& tick : axis.ticks) all.push_back(tick.label);
  return all;
}

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++found;
  return found;
}

TEST(ReportAxis, TicksAreRoundAndLabelsShort) {
  EXPECT_THAT(labels(linear_axis(10, 800, 5)), ElementsAre("200", "400", "600", "800"));
  EXPECT_THAT(labels(round_axis(1.43, 2.61, 5)), ElementsAre("1.0", "1.5", "2.0", "2.5", "3.0"));
  EXPECT_THAT(labels(round_axis(0, 0.0031, 4)),
              ElementsAre("0.000", "0.001", "0.002", "0.003", "0.004"));
  EXPECT_THAT(labels(linear_axis(0, 1.6e6, 4)), ElementsAre("0.0", "0.5M", "1.0M", "1.5M"));
  EXPECT_THAT(labels(linear_axis(0, 30000, 3)), ElementsAre("0", "10k", "20k", "30k"));
  EXPECT_THAT(labels(log_axis(0.3, 40)),
              ElementsAre("0.2", "0.5", "1", "2", "5", "10", "20", "50"));
  EXPECT_THAT(labels(log_axis(1e-6, 1e6)), Not(testing::SizeIs(testing::Gt(8u))));
}

TEST(ReportAxis, OneValueStillHasRoom) {
  for (const double value : {0.0, 3.0, -2.0, 1e12, 1e-12}) {
    const auto axis = round_axis(value, value, 5);
    EXPECT_LT(axis.low, axis.high) << value;
    EXPECT_GE(axis.ticks.size(), 2u) << value;
    EXPECT_TRUE(std::isfinite(axis.share(value))) << value;
  }
  EXPECT_LT(log_axis(2, 2).low, log_axis(2, 2).high);
}

// No measurements, but numbers that a row can hold.
TEST(ReportAxis, NumbersNearTheEndsOfTheirRangeGetAFewTicks) {
  for (const auto& axis :
       {linear_axis(5e-324, 1e-323, 5), round_axis(0, 5e-324, 5), round_axis(-1.7e308, 1.7e308, 5),
        log_axis(5e-324, 1), log_axis(5e-324, 1e-323), log_axis(1, 1.7e308)}) {
    EXPECT_LT(axis.low, axis.high);
    EXPECT_THAT(axis.ticks, testing::SizeIs(testing::Lt(20u)));
    for (const double value : {5e-324, 1.0, 1.7e308}) {
      EXPECT_TRUE(std::isfinite(axis.share(value))) << value;
    }
  }
}

TEST(ReportThinning, KeepsMeansAndExtremes) {
  std::vector<ChartPoint> points;
  for (int i = 0; i < 1000; ++i)
    points.push_back({static_cast<double>(i), i == 777 ? 99.0 : i % 2});
  const auto few = thinned(points, 10);
  ASSERT_EQ(few.size(), 10u);
  EXPECT_DOUBLE_EQ(few[0].y, 0.5);
  EXPECT_EQ(few[0].low, 0);
  EXPECT_EQ(few[0].high, 1);
  EXPECT_EQ(few[7].high, 99);
  EXPECT_EQ(thinned(points, 1000).size(), 1000u);
}

TEST(ReportThinning, AGapStaysOnlyWhereNothingIsFinite) {
  std::vector<ChartPoint> points;
  for (int i = 0; i < 100; ++i) {
    points.push_back({static_cast<double>(i), i < 10 || i == 50 ? kNan : 2.0});
  }
  const auto few = thinned(points, 10);
  EXPECT_TRUE(std::isnan(few[0].y));
  EXPECT_EQ(few[5].y, 2.0);
}

TEST(ReportChart, DrawsGapsLegendAndBands) {
  LineChart chart;
  chart.title = "t";
  chart.series = {{"a", {{0, 1}, {1, 2}, {2, kNan}, {3, 1}, {4, 2}}},
                  {"b", {{0, 1, 0.5, 2}, {4, 2, 1.5, 3}}}};
  const auto html = line_chart(chart);
  const auto line = html.substr(html.find("class=\"line\""));
  EXPECT_EQ(count(line.substr(0, line.find("/>")), "M"), 2u);  // two strokes: a gap between
  EXPECT_EQ(count(html, "class=\"band\""), 1u);
  EXPECT_EQ(count(html, "<li>"), 2u);
  EXPECT_THAT(html, HasSubstr("\"y\":[1,2,null,1,2]"));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
}

TEST(ReportChart, WithoutAFiniteValueSaysSo) {
  LineChart chart;
  chart.series = {{"a", {{0, kNan}}}};
  EXPECT_THAT(line_chart(chart), HasSubstr("No finite value yet."));
  chart.series = {{"a", {{1, -1}, {2, 0}}}};
  chart.log_y = true;
  EXPECT_THAT(line_chart(chart), HasSubstr("No finite value yet."));
  EXPECT_THAT(heat_map({}), HasSubstr("No load yet."));
}

TEST(ReportHeatMap, ColoursAreSharesOfTheMean) {
  HeatMap map;
  map.x = {0, 10};
  map.x_end = 20;
  map.load = {{0, 4, 4, 8}, {0, 0, 0, 0}};
  const auto html = heat_map(map);
  EXPECT_THAT(html, HasSubstr("\"load\":[[0,100,100,200],[null,null,null,null]]"));
  const auto svg = html.substr(html.find("role=\"img\""));
  EXPECT_EQ(count(svg, "fill=\"var(--h0)\""), 1u);
  EXPECT_EQ(count(svg, "fill=\"var(--h8)\""), 1u);
  EXPECT_EQ(count(svg, "fill=\"var(--h16)\""), 1u);
  EXPECT_EQ(count(svg, "fill=\"var(--h"), 3u);
}

// Steps are read off a chart to be found in metrics.jsonl.
TEST(ReportChart, LargeNumbersAreShownToTheUnit) {
  LineChart chart;
  chart.series = {{"", {{1234567, 0.12345678}, {1234568, 987654321}}}};
  EXPECT_THAT(line_chart(chart), HasSubstr("\"x\":[1234567,1234568],\"y\":[0.123457,987654321]"));
  EXPECT_EQ(json_numbers({-123456.4, 1e20, kNan}), "[-123456,1e+20,null]");
}

TEST(ReportHeatMap, AColumnOfAnotherNumberOfExpertsIsLeftEmpty) {
  const auto html = heat_map({"", "", "step", {0, 1, 2}, 3, {}, {{1, 1, 1}, {1}, {1, 1, 1, 1}}});
  EXPECT_THAT(html, HasSubstr("\"load\":[[100,100,100],[null,null,null],[null,null,null]]"));
}

TEST(ReportHeatMap, ManyExpertsShareRows) {
  HeatMap map;
  map.x = {0};
  map.x_end = 1;
  map.load = {std::vector<double>(130, 1.0)};
  const auto html = heat_map(map);
  EXPECT_THAT(html, HasSubstr("Each row is the mean of 3 neighbouring experts of 130."));
  EXPECT_THAT(html, HasSubstr("experts 129 to 129"));
  EXPECT_EQ(count(html, "\"experts "), 44u);
}

TEST(ReportHtml, NoTextBreaksAPage) {
  const std::string hostile = "</script><script>alert(1)</script>\"'&\x01\xff";
  EXPECT_EQ(escape_html("<a b='\"&\x1b\xff"), "&lt;a b=&#39;&quot;&amp;\xEF\xBF\xBD\xEF\xBF\xBD");
  LineChart chart;
  chart.title = chart.note = chart.y_label = chart.x_label = hostile;
  chart.series = {{hostile, {{0, 1}}}, {hostile, {{0, 1}}}};
  HeatMap map{hostile, hostile, hostile, {0}, 1, {hostile}, {{1, 2}}};
  for (const auto& html : {line_chart(chart), heat_map(map), html_table({{hostile}, {{hostile}}}),
                           html_facts({{hostile, hostile}}), html_warnings({hostile})}) {
    EXPECT_THAT(html, Not(HasSubstr("<script>alert")));
    EXPECT_EQ(count(html, "</script>"), count(html, "<script"));
  }
}

TEST(ReportRows, ScalarsOfARow) {
  const auto row =
      Json::parse(R"({"step":3,"split":"train","loss":null,"aux":{"entropy":2},"moe":[{"layer":1,)"
                  R"("tokens_per_expert":[1,2],"max_vio":0.5,"gate":{"saturated_bits":1}}]})");
  const auto scalars = row_scalars(row);
  ASSERT_EQ(scalars.size(), 4u);
  EXPECT_EQ(scalars[0].first, "train/loss");
  EXPECT_TRUE(std::isnan(scalars[0].second));
  EXPECT_THAT(scalars[1], Pair("train/aux.entropy", 2));
  EXPECT_THAT(scalars[2], Pair("moe.max_vio/layer_1", 0.5));
  EXPECT_THAT(scalars[3], Pair("moe.gate.saturated_bits/layer_1", 1));
}

TEST(ReportRows, ManyLayersAreSummedUp) {
  Json row = {{"step", 1}, {"split", "train"}, {"moe", Json::array()}};
  for (int layer = 0; layer < 96; ++layer)
    row["moe"].push_back({{"layer", layer}, {"max_vio", layer}});
  EXPECT_THAT(row_scalars(row),
              ElementsAre(Pair("moe.max_vio/mean", 47.5), Pair("moe.max_vio/min", 0),
                          Pair("moe.max_vio/max", 95)));
}

TEST(ReportHistory, IsBoundedAndLosesNoExtreme) {
  SeriesHistory series;
  for (int i = 0; i < 100000; ++i) series.add(i, i == 54321 ? 9 : i == 70000 ? kNan : 1);
  const auto points = series.points();
  EXPECT_LE(points.size(), 2 * kMostChartPoints);
  EXPECT_GE(points.size(), kMostChartPoints);
  double high = 0, last = -1;
  for (const auto& p : points) {
    EXPECT_LT(last, p.x);
    last = p.x;
    high = std::max(high, p.high);
  }
  EXPECT_EQ(high, 9);
  EXPECT_EQ(series.missing(), 1u);
}

TEST(ReportHistory, LoadsAreSummedUpOverTime) {
  LoadHistory load;
  for (int64_t step = 1; step <= 1000; ++step) load.add(step, {1, step <= 500 ? 3.0 : 0.0});
  const auto map = load.map(10);
  EXPECT_LE(map.x.size(), 10u);
  EXPECT_EQ(map.x.front(), 0);
  EXPECT_EQ(map.x_end, 1000);
  double first = 0, second = 0;
  for (const auto& column : map.load) first += column[0], second += column[1];
  EXPECT_EQ(first, 1000);
  EXPECT_EQ(second, 1500);
  EXPECT_EQ(map.load.front()[1], 3 * map.load.front()[0]);
  EXPECT_EQ(map.load.back()[1], 0);
}

// Rows of a damaged file.
TEST(ReportHistory, LoadsOfAnotherNumberOfExpertsAreLeftOut) {
  LoadHistory load;
  for (int64_t step = 1; step <= 400; ++step) {
    load.add(step, std::vector<double>(step % 2 == 1 ? 16 : 2, 1.0));
  }
  EXPECT_EQ(load.experts(), 16u);
  double sum = 0;
  for (const auto& column : load.map(10).load) {
    ASSERT_EQ(column.size(), 16u);
    sum += column.back();
  }
  EXPECT_EQ(sum, 200);
}

TEST(RunReport, ShowsWhatRowsHaveAndNamesWhatIsNotFinite) {
  RunConfig config;
  config.run.name = "a <run>";
  RunHistory history;
  for (int step = 1; step <= 3; ++step) {
    history.add({{"step", step},
                 {"split", "train"},
                 {"loss", step == 2 ? Json() : Json(2.0)},
                 {"lr", 0.1},
                 {"new_figure", step},
                 {"tokens", step * 64},
                 {"moe", {{{"layer", 0}, {"tokens_per_expert", {1, 2}}, {"dropped", 0}}}}});
  }
  history.add({{"step", 3}, {"split", "valid"}, {"loss", 1.0}, {"bits_per_byte", 2.0}});
  const auto page = run_report(config, history, {{"parameters", "7 M"}});
  EXPECT_THAT(page, HasSubstr("<title>a &lt;run&gt;</title>"));
  EXPECT_THAT(page, HasSubstr("train/loss was not finite in 1 of 3 rows"));
  EXPECT_THAT(page, HasSubstr("<dt>parameters</dt><dd>7 M</dd>"));
  EXPECT_THAT(page, HasSubstr("<dt>tokens</dt><dd>192</dd>"));
  EXPECT_THAT(page,
              HasSubstr("\"y\":[4,null,4]"));  // training in bits per byte, by validation's ratio
  EXPECT_THAT(page, HasSubstr("<figcaption>new_figure</figcaption>"));
  EXPECT_THAT(page, HasSubstr("Load, layer 0"));
  EXPECT_THAT(page, HasSubstr("0 throughout: dropped."));
  EXPECT_THAT(page, Not(HasSubstr("<figcaption>tokens")));
}

// A loss that is never finite is a fault, MFU without log.peak_tflops is none.
TEST(RunReport, WarnsOfWhatIsNotFiniteButNotOfWhatIsNotKnown) {
  RunHistory history;
  for (int step = 1; step <= 3; ++step) {
    history.add({{"step", step}, {"split", "train"}, {"loss", nullptr}, {"mfu", step == 1 ? Json() : Json(kNan)},
                 {"bad_steps", {{"nonfinite", step}, {"spikes", step}, {"rollbacks", step}}}});
  }
  history.add({{"step", 3}, {"split", "valid"}, {"loss", 1.0},
               {"sources", {{"wiki", 0.5}, {"code", 1.5}}}});
  const auto page = run_report({}, history, {});
  EXPECT_THAT(page, HasSubstr("train/loss was not finite in 3 of 3 rows"));
  EXPECT_THAT(page, Not(HasSubstr("mfu")));
  EXPECT_THAT(page, Not(HasSubstr("Model FLOPs utilisation")));
  for (const char* title : {"Validation by source, nats per token", "Loss spikes",
                            "Steps that were not finite", "Times the run went back"}) {
    EXPECT_THAT(page, HasSubstr("<figcaption>" + std::string(title)));
  }
}

}  // namespace
}  // namespace moe

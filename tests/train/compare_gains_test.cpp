// The figures of moe-compare --html that say what was saved and what changed.
#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "train/report/change_bars.h"
#include "train/report/compare_gains.h"
#include "train/report/savings_chart.h"

namespace moe {
namespace {

using testing::HasSubstr;
using testing::Not;

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

// Costs of 10 to 1000 on an axis from 46 to 388, qualities from 1 to 3 on one from 204 up to 14.
SavingsChart a_chart() {
  SavingsChart chart;
  chart.title = "Saved <1>";
  chart.curve_name = "base";
  chart.curve = {{10, 3}, {1000, 1}};
  chart.candidates = {{"a & b", 1, 10, 2, 100.0, "10x"}};
  return chart;
}

TEST(SavingsChartOf, AnArrowGoesFromTheCandidateToTheCurve) {
  const auto svg = savings_chart(a_chart());
  EXPECT_THAT(svg, HasSubstr("Saved &lt;1&gt;"));
  // At two bits, half-way up, from the left edge to the middle of two decades, where the curve's line is too.
  EXPECT_THAT(svg, HasSubstr("d=\"M46.0 109.0H217.0\""));
  EXPECT_THAT(svg, HasSubstr("d=\"M46.0 14.0L388.0 204.0\""));
  EXPECT_THAT(svg, HasSubstr("stroke=\"var(--s1)\""));
  EXPECT_THAT(svg, HasSubstr("<title>a &amp; b: 2 at 10; 10x</title>"));
  EXPECT_EQ(count_of(svg, "line arrow"), 1u);
}

TEST(SavingsChartOf, WhatIsNotReachedHasADotAndNoArrow) {
  auto chart = a_chart();
  chart.candidates[0].baseline_cost.reset();
  chart.candidates[0].label = "not reached";
  const auto svg = savings_chart(chart);
  EXPECT_EQ(count_of(svg, "line arrow"), 0u);
  EXPECT_THAT(svg, HasSubstr(">not reached</text>"));
  EXPECT_EQ(count_of(svg, "<circle"), 3u);
}

TEST(SavingsChartOf, WhatCannotBeDrawnIsLeftOut) {
  auto chart = a_chart();
  chart.curve.insert(chart.curve.begin(), {0, 9});
  chart.candidates.push_back({"c", 2, std::nan(""), 2, {}, ""});
  chart.candidates.push_back({"d", 3, 20, std::numeric_limits<double>::infinity(), {}, ""});
  const auto svg = savings_chart(chart);
  EXPECT_EQ(count_of(svg, "<circle"), 3u);
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
  EXPECT_THAT(savings_chart({}), HasSubstr("No finite value yet."));
}

// From -1 to 1 on an axis from 12 to 388.
TEST(ChangeBarsOf, BarsGoToEitherSideOfZeroWithTheirIntervals) {
  ChangeBars chart;
  chart.title = "t";
  chart.bars = {{"up", 0, 1, {}}, {"down", 1, -1, std::pair(-1.0, -0.5)}, {"none", 2, std::nan(""), {}}};
  const auto svg = change_bars(chart);
  EXPECT_THAT(svg, HasSubstr("fill=\"var(--s0)\" x=\"200.0\" y=\"16.0\" width=\"188.0\""));
  EXPECT_THAT(svg, HasSubstr("fill=\"var(--s1)\" x=\"12.0\" y=\"50.0\" width=\"188.0\""));
  EXPECT_THAT(svg, HasSubstr("H106.0\""));
  EXPECT_THAT(svg, HasSubstr("up +1<"));
  EXPECT_THAT(svg, HasSubstr("down -1 (-1 to -0.5)"));
  EXPECT_THAT(svg, HasSubstr("none n/a"));
  EXPECT_EQ(count_of(svg, "<rect"), 2u);
  chart.bars = {{"none", 0, std::nan(""), {}}};
  EXPECT_THAT(change_bars(chart), HasSubstr("No finite value yet."));
}

TEST(CompareGains, SectionsAreThereWhereTheReportHasThem) {
  EXPECT_EQ(savings_figures_html(Json::object(), {}), "");
  EXPECT_EQ(transfer_figures_html(Json::object(), {}), "");
  const Json test = {{"over", "seeds"}, {"ci", {0.1, 0.3}}};
  const Json task = {{"better", "higher"},
                     {"delta", 0.2},
                     {"test", test},
                     {"control", {{"after", 0.4}, {"delta", -0.1}, {"test", nullptr}}}};
  const Json report = {{"metric", "bits_per_byte"},
                       {"savings",
                        {{"curve", {{"from", "ends"}, {"variants", {"base"}}}},
                         {"axes",
                          {{{"by", "total_flops"},
                            {"curve", {{{"compute", 10.0}, {"quality", 2.0}}, {{"compute", 20.0}, {"quality", 1.0}}}},
                            {"variants",
                             {{{"name", "b"},
                               {"compute", 10.0},
                               {"quality", 1.0},
                               {"reach", "reached"},
                               {"ratio", 2.0},
                               {"baseline_compute", 20.0}}}}}}}}},
                       {"transfer", {{{"name", "b"}, {"tasks", {{"t", task}}}}}}};
  const auto savings = savings_figures_html(report, {"base", "b"});
  EXPECT_EQ(count_of(savings, "<figure>"), 1u);
  EXPECT_THAT(savings, HasSubstr("Saved at equal bits_per_byte, by total FLOPs"));
  EXPECT_THAT(savings, HasSubstr(">2x</text>"));
  EXPECT_THAT(savings, HasSubstr("the ends of base"));
  EXPECT_THAT(savings, HasSubstr("var(--s1)"));  // b's colour of the page
  const auto transfer = transfer_figures_html(report, {"base", "b"});
  EXPECT_EQ(count_of(transfer, "<figure>"), 2u);
  EXPECT_THAT(transfer, HasSubstr("t, change since before"));
  EXPECT_THAT(transfer, HasSubstr("b +0.2 (+0.1 to +0.3)"));
  EXPECT_THAT(transfer, HasSubstr("t, less the control"));
  EXPECT_THAT(transfer, HasSubstr("b -0.1<"));
}

}  // namespace
}  // namespace moe

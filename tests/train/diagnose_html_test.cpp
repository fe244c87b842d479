// The page of moe-diagnose: its figures are those of a run's report, of the layers that there are,
// and it stays small.
#include "train/diagnose/html.h"

#include <gtest/gtest.h>

#include "configs/config_io.h"
#include "tests/support/tiny_run.h"

namespace moe {
namespace {

// A page of a run with experts in these layers.
std::string page_of(const std::vector<int64_t>& layers, int64_t experts, int64_t steps) {
  auto config = parse_config<RunConfig>(
      kTinyConfig, "tiny",
      {"model.layers=" + std::to_string(layers.back() + 1),
       "model.moe.experts=" + std::to_string(experts), "train.steps=" + std::to_string(steps)});
  std::vector<Json> rows;
  RunHistory history;
  uint32_t state = 1;
  for (int64_t step = 1; step <= steps; ++step) {
    Json row = {{"step", step}, {"split", "train"}, {"loss", 2.5}, {"moe", Json::array()}};
    for (const int64_t number : layers) {
      Json layer = {{"layer", number},  {"entropy", 1.0}, {"slots_per_token", 2.0},
                    {"empty_tokens", 0}, {"dropped", 0},  {"max_vio", 0.5 + 0.01 * step},
                    {"gate", Json::object()}};
      for (int64_t e = 0; e < experts; ++e) {
        state = state * 1664525u + 1013904223u;
        layer["tokens_per_expert"].push_back(number == 0 ? 0 : state >> 24);
      }
      row["moe"].push_back(std::move(layer));
    }
    history.add(row);
    rows.push_back(std::move(row));
  }
  auto diagnosis = diagnose_rows("runs/a", config, rows);
  diagnosis.history = std::move(history);
  return diagnosis_html(diagnosis);
}

TEST(DiagnoseHtml, ColumnsAreTheLayersThereAre) {
  const auto page = page_of({1, 3}, 4, 20);
  EXPECT_NE(page.find("<div class=\"grid\">\n<figure><figcaption>Load of each expert, by"),
            std::string::npos);
  EXPECT_NE(page.find(R"("x":[0,2],"starts":[0,1],)"), std::string::npos);
  EXPECT_NE(page.find(R"("columns":["1","3"])"), std::string::npos);
  EXPECT_NE(page.find("<p>gate top_k (k 2), 4 experts, loss 2.5000</p>"), std::string::npos);
}

TEST(DiagnoseHtml, FiguresAreThoseOfARunsReport) {
  const auto page = page_of({0, 1}, 4, 20);
  EXPECT_NE(page.find("Load, layer 1<"), std::string::npos);
  EXPECT_NE(page.find("Overload (max_vio)"), std::string::npos);
  EXPECT_NE(page.find("layer 1</li>"), std::string::npos);
  EXPECT_EQ(page.find("layer_"), std::string::npos);
}

TEST(DiagnoseHtml, ManyLayersStaySmall) {
  std::vector<int64_t> layers;
  for (int64_t layer = 0; layer < 150; ++layer) layers.push_back(layer);
  const auto page = page_of(layers, 64, 130);
  EXPECT_LT(page.size(), 1000000u);
  EXPECT_NE(page.find("One of 150 layers; 24 are shown."), std::string::npos);
  EXPECT_NE(page.find("Over the pooled steps. 100 of 150 layers."), std::string::npos);
  EXPECT_NE(page.find("Mean over the layers; the band is from the lowest"), std::string::npos);
}

}  // namespace
}  // namespace moe

// Bytes and memory of one of many ranks, against examples counted by hand.
#include "train/traffic_estimate.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "configs/errors.h"
#include "tests/support/tiny_trainer.h"
#include "train/dry_run.h"

namespace moe {
namespace {

// Of 2 layers with 4 experts each, of 3 matrices 16 x 16.
constexpr double kExperts = 2 * 4 * 3 * 16 * 16;

Json on_ranks(const std::vector<std::string>& overrides, DryRunRanks ranks) {
  const TinyRun tiny;
  return dry_run(tiny_config(tiny, overrides), ranks);
}

double number(const Json& report, const std::string& path) {
  return report.at(nlohmann::ordered_json::json_pointer(path)).get<double>();
}

TEST(TrafficEstimate, ARingAndAGather) {
  EXPECT_EQ(sum_bytes(100, 1), 0);
  EXPECT_EQ(sum_bytes(100, 2), 100);
  EXPECT_EQ(sum_bytes(100, 4), 150);
  EXPECT_EQ(gather_bytes(100, 1), 0);
  EXPECT_EQ(gather_bytes(25, 4), 75);
  EXPECT_EQ(rows_for_others(1024, 2, 4), 1536);
  // 3 rows go out and results of 5 come from here, 16 float32 each; in backward with 4 bytes more.
  EXPECT_EQ(exchange_bytes(3, 5, 16, 4, 4, false), 8 * 16 * 4);
  EXPECT_EQ(exchange_bytes(3, 5, 16, 4, 4, true), 8 * (16 * 4 + 4));
}

TEST(TrafficEstimate, WhatCrossesNodesFollowsFromNeighbours) {
  const auto expect = [](const RankLayout& layout, double row, double world, double column) {
    const auto shares = node_shares(layout);
    EXPECT_DOUBLE_EQ(shares.row, row);
    EXPECT_DOUBLE_EQ(shares.world, world);
    EXPECT_DOUBLE_EQ(shares.column, column);
  };
  expect({64, 8, 64}, 0, 0, 0);
  expect({64, 8, 8}, 0, 1.0 / 8, 1);          // a row is a node
  expect({64, 4, 8}, 0, 1.0 / 8, 0.5);        // two of a column share one
  expect({64, 16, 8}, 8.0 / 15, 1.0 / 8, 1);  // a row is two
  expect({8, 1, 4}, 0, 2.0 / 8, 2.0 / 8);     // columns are the world
  expect({4, 4, 1}, 1, 1, 0);                 // a column is one rank
  // The second of three rows lies on both nodes: 8 of its 12 pairs do, of 36 in all.
  expect({12, 4, 6}, 8.0 / 36, 2.0 / 12, 8.0 / 12);
}

TEST(TrafficEstimate, OfAStepOfFourRanks) {
  const std::vector<std::string> overrides = {"parallel.expert=2", "parallel.shard_optimizer=true"};
  const auto report = on_ranks(overrides, {4, 2});
  // 16 tokens with 2 slots on each rank: half of 32 rows of 16 float32 go to the other rank of the row, and
  // half of its come back from here.
  const auto& layers = report["bytes_per_step"]["expert_exchange"]["layers"];
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[1]["layer"], 1);
  EXPECT_EQ(layers[1]["forward"].get<double>(), 2 * 16 * 16 * 4);
  EXPECT_EQ(layers[1]["backward"].get<double>(), 2 * 16 * (16 * 4 + 4));
  const double counts = (4 + 2) * 8;
  EXPECT_EQ(number(report, "/bytes_per_step/expert_exchange/bytes"), 2 * (2048 + 2176 + counts));
  EXPECT_EQ(number(report, "/bytes_per_step/expert_exchange/between_nodes"), 0);
  // Half of the experts, which two ranks hold, those on another node; the rest four, half of whose next
  // ranks are on another.
  const double rest = number(report, "/parameters/total") - kExperts, experts = kExperts / 2;
  EXPECT_EQ(number(report, "/per_rank/parameters"), rest + experts);
  EXPECT_EQ(number(report, "/bytes_per_step/gradients/bytes"), 4 * (experts + rest * 3 / 2));
  EXPECT_EQ(number(report, "/bytes_per_step/gradients/between_nodes"), 4 * (experts + rest * 3 / 4));
  // A half of theirs to one other, a quarter to three others: every matrix here divides.
  EXPECT_EQ(number(report, "/bytes_per_step/parameters/bytes"), 4 * (experts / 2 + rest * 3 / 4));
  EXPECT_EQ(number(report, "/bytes_per_step/total/bytes"),
            number(report, "/bytes_per_step/total/between_nodes") +
                number(report, "/bytes_per_step/total/within_nodes"));
}

TEST(TrafficEstimate, MicroStepsExchangeEachAndAddUpOnce) {
  const auto exchange = [](const std::vector<std::string>& more) {
    auto overrides = more;
    overrides.push_back("parallel.expert=2");
    return on_ranks(overrides, {2, 0})["bytes_per_step"];
  };
  const auto once = exchange({}), twice = exchange({"train.accumulate=2", "train.batch_tokens=128"});
  EXPECT_EQ(number(twice, "/expert_exchange/bytes"), 2 * number(once, "/expert_exchange/bytes"));
  EXPECT_EQ(twice["gradients"], once["gradients"]);
  EXPECT_EQ(number(once, "/parameters/bytes"), 0);
  // Recompute goes forward twice.
  const auto again = exchange({"train.recompute=true"});
  EXPECT_EQ(number(again, "/expert_exchange/layers/0/forward"),
            2 * number(once, "/expert_exchange/layers/0/forward"));
  EXPECT_EQ(number(again, "/expert_exchange/layers/0/backward"),
            number(once, "/expert_exchange/layers/0/backward"));
  // Half as many bytes in a row, and weights as they are.
  const auto half = exchange({"train.dtype=bf16"});
  EXPECT_EQ(number(half, "/expert_exchange/layers/0/backward"),
            number(once, "/expert_exchange/layers/0/backward") - 2 * 32 * 16 * 2);
  // DSelect-k begins with every expert: 4 slots, not 2.
  const auto dense = exchange({"model.moe.gate.kind=dselect_k"});
  EXPECT_EQ(number(dense, "/expert_exchange_at_first/bytes") - number(dense, "/expert_exchange/bytes"),
            2 * (4096 + 4352));
}

TEST(TrafficEstimate, OneRankHandsNothingOver) {
  const auto report = on_ranks({}, {1, 0});
  EXPECT_EQ(number(report, "/bytes_per_step/total/bytes"), 0);
  const auto one = report["memory_bytes"], rank = report["per_rank"]["memory_bytes"];
  for (const auto& [part, bytes] : one.items()) EXPECT_EQ(rank[part], bytes) << part;
  EXPECT_EQ(rank["buckets"].get<double>(), 0);
}

TEST(TrafficEstimate, MemoryOfARank) {
  const std::vector<std::string> overrides = {"parallel.expert=2", "parallel.shard_optimizer=true"};
  const auto report = on_ranks(overrides, {4, 0});
  const auto memory = [&](const char* part) {
    return number(report, std::string("/per_rank/memory_bytes/") + part);
  };
  const double rest = number(report, "/parameters/total") - kExperts, experts = kExperts / 2;
  EXPECT_EQ(memory("parameters"), 4 * (rest + experts));
  EXPECT_EQ(memory("gradients"), memory("parameters"));
  EXPECT_EQ(memory("buckets"), memory("parameters"));
  EXPECT_EQ(memory("optimizer"), 8 * (rest / 4 + experts / 2));
  // Moments of its own, and of what others have too at least the mean.
  EXPECT_GE(memory("saving"), memory("optimizer") + 4 * (rest / 4 + experts / 2));
  EXPECT_LT(memory("saving"), memory("optimizer") + memory("parameters"));
  EXPECT_EQ(memory("total"), memory("process") + memory("parameters") + memory("buckets") +
                                 memory("optimizer") +
                                 std::max({memory("gradients"), memory("saving"),
                                           memory("activations") + memory("workspace")}));
  EXPECT_LT(memory("activations"), number(report, "/memory_bytes/activations") / 2);
  EXPECT_EQ(number(report, "/per_rank/rows/most"), 1);
  // Experts that no two ranks hold are in no bucket.
  const auto apart = on_ranks({"parallel.expert=4"}, {4, 0});
  EXPECT_EQ(number(apart, "/per_rank/memory_bytes/buckets"), 4 * rest);
}

TEST(TrafficEstimate, SaysItInWords) {
  const auto report = on_ranks({"parallel.expert=2", "model.moe.gate.kind=dselect_k"}, {8, 2});
  const auto text = dry_run_text(report);
  for (const char* part : {"8 on 4 nodes, data 4 x expert 2", "at most 1 of a micro-step's 4 rows",
                           "4 of them have no row", "memory of a rank", "a rank hands over",
                           "as dense as it begins"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
  EXPECT_EQ(dry_run_text(on_ranks({}, {})).find("ranks "), std::string::npos);
}

TEST(TrafficEstimate, TakesAModelThatNoMemoryCouldHold) {
  const auto report =
      on_ranks({"model.d_model=16384", "model.layers=100", "model.heads=128", "model.active_width=65536",
                "model.moe.experts=256", "parallel.expert=64", "parallel.shard_optimizer=true"},
               {1024, 8});
  EXPECT_GT(number(report, "/parameters/total"), 1e12);
  EXPECT_LT(number(report, "/per_rank/parameters"), number(report, "/parameters/total") / 30);
  EXPECT_GT(number(report, "/bytes_per_step/total/between_nodes"), 0);
}

TEST(TrafficEstimate, RefusesNumbersThatDoNotDivide) {
  const auto message = [](DryRunRanks ranks) -> std::string {
    try {
      on_ranks({"parallel.expert=2"}, ranks);
    } catch (const ConfigError& problem) {
      return problem.what();
    }
    return "accepted";
  };
  EXPECT_EQ(message({3, 0}), "--ranks: expected a multiple of parallel.expert (2), found 3: take 4, or lower "
                             "parallel.expert");
  EXPECT_EQ(message({8, 3}), "--ranks-per-node: expected a divisor of the 8 of --ranks, found 3: nodes with "
                             "equally many ranks are what this counts with");
  EXPECT_NE(message({8, 16}), "accepted");
}

}  // namespace
}  // namespace moe

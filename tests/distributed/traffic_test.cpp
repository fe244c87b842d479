// What ranks hand over in a training step and in an exchange layer: measured, and by the formulas of
// train/traffic_estimate.h.
#include <gtest/gtest.h>

#include "tests/distributed/start_rank.h"
#include "tests/support/tiny_trainer.h"
#include "train/traffic_estimate.h"

namespace moe {
namespace {

double handed_over(const RankGroup& group, const std::string& operation) {
  const auto traffic = group.traffic();
  const auto found = traffic.find(operation);
  return found == traffic.end() ? 0 : found->second.bytes;
}

// Of both groups over which gradients, or shares of parameters, go.
double of_holders(const Mesh& mesh, const std::string& operation) {
  return handed_over(*mesh.gradients, operation) + handed_over(*mesh.data, operation);
}

// Every expert gets equally many slots of every row: position and the next one, modulo the experts.
void check_step(const std::vector<std::string>& more, int64_t expert) {
  const TinyRun tiny;
  auto overrides = more;
  overrides.insert(overrides.end(), {"model.moe.gate.kind=round_robin", "parallel.shard_optimizer=true",
                                     "parallel.expert=" + std::to_string(expert)});
  const auto config = tiny_config(tiny, overrides);
  const auto vocabulary = make_tokenizer(config.data.tokenizer)->vocabulary();
  const auto mesh = start_rank(expert);
  const auto data = open_data(config.data, config.objective, config.model.context, static_cast<uint64_t>(config.run.seed));
  Trainer trainer(config, vocabulary, data.train, mesh);
  const double sums = of_holders(mesh, "sum"), shares = of_holders(mesh, "gather"),
               rows = handed_over(*mesh.expert, "exchange"), counts = handed_over(*mesh.expert, "gather");
  trainer.step();

  const RankLayout layout{mesh.ranks(), expert, mesh.ranks()};
  const auto whole = build_model(config.model, vocabulary, Initializer(0, at::kFloat, at::kMeta));
  const auto estimate = estimate_traffic(config, holdings(config, *whole.decoder, layout), layout);
  EXPECT_DOUBLE_EQ(of_holders(mesh, "sum") - sums, estimate.gradients.bytes);
  EXPECT_DOUBLE_EQ(of_holders(mesh, "gather") - shares, estimate.parameters.bytes);
  EXPECT_DOUBLE_EQ(handed_over(*mesh.expert, "exchange") - rows +
                       handed_over(*mesh.expert, "gather") - counts,
                   estimate.exchange.bytes);
}

TEST(Traffic, OfAStepOfTwoRanksIsTheFormulas) {
  if (in_rank()) return check_step({}, 2);
  TestRanks ranks(2);
  expect_all_pass(ranks);
}

TEST(Traffic, OfAStepOfFourRanksIsTheFormulas) {
  if (in_rank()) {
    return check_step({"train.accumulate=2", "train.batch_tokens=128", "train.dtype=bf16",
                       "parallel.overlap_chunks=2"}, 2);
  }
  TestRanks ranks(4);
  expect_all_pass(ranks);
}

// moe-bench starts its ranks itself.
Json bench(const std::string& gate, int ranks) {
  const TempDir folder;
  const auto run = run_to_end({MOE_BIN_DIR "/moe-bench", "exchange", "--gate", gate, "--ranks",
                               std::to_string(ranks), "--rounds", "1", "--threads", "1", "--tokens", "64",
                               "--d-model", "16", "--d-hidden", "16", "--json"},
                              folder.path());
  EXPECT_EQ(run.code, 0) << run.err;
  return run.code == 0 ? Json::parse(run.out) : Json();
}

TEST(BenchExchange, ABalancedGateHandsOverWhatTheFormulaSays) {
  for (const int ranks : {2, 4}) {
    const auto result = bench("round_robin", ranks);
    ASSERT_TRUE(result.contains("bytes"));
    const auto& bytes = result["bytes"];
    ASSERT_EQ(bytes["measured"].size(), static_cast<size_t>(ranks));
    for (const auto& of_rank : bytes["measured"]) EXPECT_EQ(of_rank, bytes["even"]);
    EXPECT_EQ(bytes["measured"], bytes["by_counts"]);
  }
}

// Uneven loads: the counts explain all of it.
TEST(BenchExchange, TopKHandsOverWhatItsCountsSay) {
  const auto result = bench("top_k", 4);
  ASSERT_TRUE(result.contains("bytes"));
  const auto& bytes = result["bytes"];
  EXPECT_EQ(bytes["measured"], bytes["by_counts"]);
  EXPECT_NE(bytes["measured"][0], bytes["even"]);
  double sum = 0;
  for (const auto& of_rank : bytes["measured"]) sum += of_rank.get<double>();
  // The interface carries all of it, and headers.
  if (!bytes["loopback"].is_null()) {
    EXPECT_GT(bytes["loopback"].get<double>(), sum);
  }
  // Messages against computing, the layer against both, and two rounds: a rank has two experts.
  EXPECT_EQ(result["rows"].size(), 3u);
}

TEST(BenchExchange, RefusesExpertsThatRanksDoNotDivide) {
  const TempDir folder;
  const auto run = run_to_end({MOE_BIN_DIR "/moe-bench", "exchange", "--ranks", "3"}, folder.path());
  EXPECT_EQ(run.code, 2);
  EXPECT_NE(run.err.find("--experts: expected a multiple of the 3 ranks, found 8"), std::string::npos) << run.err;
}

}  // namespace
}  // namespace moe

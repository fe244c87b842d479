// Rules across sections, by the exact words, and what makes a run another one.
#include "train/run_config.h"

#include <gmock/gmock.h>

#include "configs/config_io.h"
#include "tests/support/temp_dir.h"
#include "train/memory_check.h"
#include "train/size_config.h"

namespace moe {
namespace {

std::string problems_of(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return message_of<ConfigError>(
      [&] { parse_config<RunConfig>("data: {train: a.txt}\n" + text, "c.yaml", overrides); });
}

TEST(RunConfig, HeadsDivideTheWidth) {
  EXPECT_EQ(problems_of("model: {d_model: 64, heads: 5}\n"),
            "c.yaml:2:22: model.heads: must divide d_model (64), found 5; or set head_dim");
  EXPECT_EQ(problems_of("model: {heads: 4, kv_heads: 3}\n"),
            "c.yaml:2:19: model.kv_heads: must divide heads (4), found 3");
  EXPECT_EQ(problems_of("model: {head_dim: 7}\n"),
            "c.yaml:2:9: model.head_dim: the width of a head must be even for rotary positions, "
            "found 7");
}

TEST(RunConfig, ATokenHasAtMostAsManySlotsAsThereAreExperts) {
  EXPECT_EQ(problems_of("model:\n  moe:\n    experts: 4\n    gate:\n      k: 8\n"),
            "c.yaml:6:7: model.moe.gate.k: must be at most experts (4), found 8");
}

// What the messages about sources advise is what an override understands.
TEST(RunConfig, SourcesAreLeftOutAsTheirMessagesSay) {
  const std::string both = "data: {train: a, sources: {x: {train: b}, wiki: {train: c}}}\n";
  const auto problem = [&](const std::vector<std::string>& overrides) {
    return message_of<ConfigError>([&] { parse_config<RunConfig>(both, "c.yaml", overrides); });
  };
  EXPECT_THAT(problem({}), testing::HasSubstr("with data.train=[] or data.sources={}"));
  EXPECT_TRUE(parse_config<RunConfig>(both, "c", {"data.sources={}"}).data.sources.empty());
  EXPECT_EQ(parse_config<RunConfig>(both, "c", {"data.train=[]"}).data.sources.size(), 2u);
  EXPECT_THAT(problem({"data.train=[]", "data.sources.wiki.weight=1e-9"}),
              testing::HasSubstr("with data.sources.wiki=none"));
  EXPECT_EQ(parse_config<RunConfig>(both, "c", {"data.train=[]", "data.sources.wiki=none"})
                .data.sources.size(), 1u);
}

TEST(RunConfig, BatchesAreWholeRows) {
  EXPECT_EQ(problems_of("model: {context: 48}\ntrain: {batch_tokens: 480, accumulate: 3}\n"),
            "c.yaml:3:9: train.batch_tokens: must be a multiple of model.context x "
            "train.accumulate (48 x 3), found 480");
  const auto config = parse_config<RunConfig>(
      "data: {train: a}\nmodel: {context: 48}\ntrain: {batch_tokens: 480, accumulate: 5}\n");
  EXPECT_EQ(config.rows_per_micro_step(), 2);
}

// Every size within its own limit, their products beyond int64.
TEST(RunConfig, SizesFit64Bits) {
  const std::string wide = "model: {d_model: 65536, layers: 1024, heads: 1024, ";
  EXPECT_EQ(problems_of(wide + "active_width: 1048576, moe: {experts: 65536, gate: {k: 1}}}\n"),
            "c.yaml:2:1: model: layers x experts x d_model x width: expected less than 2^56 "
            "parameters, found 1.4e+19: lower one of these");
  EXPECT_EQ(problems_of(wide + "context: 1000000}\ntrain: {batch_tokens: 1e12}\n"),
            "c.yaml:3:9: train.batch_tokens: one micro-step, batch_tokens / accumulate tokens in "
            "model.layers layers of model.d_model: expected less than 2^60 bytes, found 2.7e+20: "
            "lower one of these or raise accumulate");
  EXPECT_NO_THROW(parse_config<RunConfig>("data: {train: a}\n" + wide + "active_width: 1048576}\n"));
}

TEST(RunConfig, AMachineMustHoldWhatARunNeedsAtLeast) {
  const auto config = parse_config<RunConfig>(
      "data: {train: a}\nmodel: {d_model: 1024, layers: 2, heads: 8, active_width: 1024, "
      "context: 64}\ntrain: {batch_tokens: 64}\n");
  const double parameters = 2 * (4 * 1024 * 1024 + 3 * 1024 * 1024);
  const double bytes = 16 * parameters + 4 * 64 * 1024 * 2;
  EXPECT_EQ(least_parameters(config.model), parameters);
  EXPECT_EQ(least_bytes(config), bytes);
  EXPECT_NO_THROW(require_memory(config, static_cast<int64_t>(bytes)));
  const auto text =
      message_of<ConfigError>([&] { require_memory(config, static_cast<int64_t>(bytes) - 1); });
  EXPECT_EQ(text.rfind("model: this run needs more than 0.2 GiB (1.47e+07 parameters", 0), 0u) << text;
  EXPECT_NE(text.find("this machine has 0.2 GiB"), std::string::npos) << text;
}

TEST(RunConfig, ExpertsMustMakeTheTwinOfEqualFlops) {
  EXPECT_EQ(problems_of("model: {active_width: 512, moe: {d_hidden: 100, gate: {k: 2}}}\n"),
            "c.yaml:2:34: model.moe.d_hidden: (k + shared_experts) x d_hidden must be "
            "model.active_width (512), so that model.moe=none is the twin of equal active FLOPs; "
            "found (2 + 0) x 100: set model.active_width=200, or d_hidden to auto");
  EXPECT_EQ(problems_of("model: {active_width: 512, moe: {gate: {k: 3}}}\n"),
            "c.yaml:2:28: model.moe.d_hidden: auto is model.active_width / (k + shared_experts), and "
            "512 is not divisible by 3 + 0: choose a multiple of 3, such as model.active_width=510");
}

TEST(RunConfig, AGateThatLooksAheadIsRefusedUnlessAllowed) {
  const std::string gate = "gate: {capacity_factor: 1, capacity_order: choice}";
  EXPECT_EQ(problems_of("model: {moe: {" + gate + "}}\n"),
            "c.yaml:2:15: model.moe.gate: 'top_k' with these settings looks at later tokens, which "
            "a left-to-right model must not see: change them, or set "
            "model.moe.allow_future_leak=true");
  const auto config = parse_config<RunConfig>(
      "data: {train: a}\nmodel: {moe: {allow_future_leak: true, " + gate + "}}\n");
  EXPECT_FALSE(gate_config(config.model.moe->gate).causal());
}

TEST(RunConfig, SaysAllBrokenRulesAtOnce) {
  EXPECT_EQ(problems_of("model: {heads: 7}\ntrain: {batch_tokens: 100}\n"),
            "c.yaml:2:9: model.heads: must divide d_model (256), found 7; or set head_dim\n"
            "c.yaml:3:9: train.batch_tokens: must be a multiple of model.context x "
            "train.accumulate (256 x 1), found 100");
}

TEST(RunConfig, SweepsNameEachSeedOnceAndVariantsLikeFolders) {
  EXPECT_EQ(problems_of("sweep: {seeds: [1, 2, 1], variants: {a: []}}\n"),
            "c.yaml:2:9: sweep.seeds: each seed once, found 1 twice");
  EXPECT_EQ(problems_of("sweep: {seeds: [1]}\n"),
            "c.yaml:2:9: sweep.seeds: seeds need variants: `variants: {base: []}` trains the config "
            "itself with each");
  EXPECT_EQ(problems_of("sweep: {variants: {a/b: []}}\n"),
            "c.yaml:2:9: sweep.variants: a variant's name becomes a folder's: no slash, blank or "
            "leading dot, found 'a/b'");
}

TEST(RunConfig, AKnobOfAnotherGateIsNamedWithTheGatesThatHaveIt) {
  const auto text = problems_of("model: {moe: {gate: {kind: round_robin, gamma: 1}}}\n");
  EXPECT_EQ(text.rfind("c.yaml:2:41: model.moe.gate.gamma: ", 0), 0u) << text;
  EXPECT_NE(text.find("dselect_k"), std::string::npos) << text;
}

TEST(RunConfig, ChangingTheKindOnTheCommandLineReplacesTheGate) {
  const auto config =
      parse_config<RunConfig>("data: {train: a}\nmodel: {moe: {gate: {kind: dselect_k, k: 1}}}\n",
                              "c.yaml", {"model.moe.gate.kind=top_k"});
  EXPECT_EQ(config.model.moe->gate.kind, "top_k");
  EXPECT_EQ(config.model.moe->slots(0), 2);
}

TEST(RunName, IsTheStemTheOverridesAndTheSeed) {
  const std::string file = "some/where/quickstart.yaml";
  EXPECT_EQ(default_run_name(file, {}, 1), "quickstart-s1");
  EXPECT_EQ(default_run_name(file, {"model.moe.gate.kind=top_k"}, 1), "quickstart-top_k-s1");
  EXPECT_EQ(default_run_name(file, {"model.moe=none", "run.seed=7"}, 7),
            "quickstart-model.moe=none-s7");
  EXPECT_EQ(default_run_name(file, {"schedule.lr=3e-4", "model.layers=2"}, 1),
            "quickstart-schedule.lr=3e-4-model.layers=2-s1");
}

TEST(RunName, LeavesOutWhatMayChangeOnResume) {
  EXPECT_EQ(default_run_name("q.yaml",
                             {"train.steps=5", "log.every=1", "checkpoint.keep=9", "run.dir=d",
                              "data.cache=c"},
                             1),
            "q-s1");
}

TEST(RunName, HashesWhatIsLongOrNotAFileNameAndTellsThemApart) {
  const auto one = default_run_name("q.yaml", {"data.train=/a/b.txt"}, 1);
  const auto two = default_run_name("q.yaml", {"data.train=/a/c.txt"}, 1);
  const auto other_key = default_run_name("q.yaml", {"data.valid=/a/b.txt"}, 1);
  EXPECT_EQ(one.size(), std::string("q-01234567-s1").size());
  EXPECT_EQ(one.find('/'), std::string::npos);
  EXPECT_NE(one, two);
  EXPECT_NE(one, other_key);
  EXPECT_EQ(default_run_name("q.yaml", {"data.train=" + std::string(50, 'a')}, 1).size(), one.size());
}

TEST(MayChangeOnResume, KnowsKeysAndSectionsAndNotTheirNamesakes) {
  for (const char* key : {"train.steps", "log.every", "log.level", "checkpoint.every",
                          "checkpoint.keep", "run.name", "run.dir", "data.cache"}) {
    EXPECT_TRUE(may_change_on_resume(key)) << key;
  }
  for (const char* key : {"train.steps_more", "train", "logs.every", "run.seed", "data.train",
                          "schedule.lr", "train.threads", "model.d_model"}) {
    EXPECT_FALSE(may_change_on_resume(key)) << key;
  }
}

}  // namespace
}  // namespace moe

// Which runs a sweep stands for.
#include "train/sweep.h"

#include <gtest/gtest.h>

#include "configs/errors.h"
#include "tests/support/temp_dir.h"

namespace moe {
namespace {

std::string base(const std::string& sweep) {
  return "data: {train: a.txt}\nmodel: {moe: {gate: {kind: top_k}}}\n" + sweep;
}
const char* const kTwoByTwo =
    "sweep: {seeds: [7, 3], variants: {sparse: [], dense: [model.moe=none, schedule.lr=5e-4]}}\n";

std::vector<std::string> names(const std::vector<SweepRun>& runs) {
  std::vector<std::string> names;
  for (const auto& run : runs) names.push_back(run.config.run.name);
  return names;
}

TEST(Sweep, IsVariantsInOrderForOneSeedAfterTheOther) {
  const TempDir folder;
  const auto runs = expand_sweep(folder.write_file("gates.yaml", base(kTwoByTwo)), {});
  EXPECT_EQ(names(runs), (std::vector<std::string>{"gates-sparse-s7", "gates-dense-s7",
                                                   "gates-sparse-s3", "gates-dense-s3"}));
  EXPECT_EQ(runs[1].variant, "dense");
  EXPECT_EQ(runs[1].seed, 7);
  EXPECT_EQ(runs[1].config.run.seed, 7);
  EXPECT_FALSE(runs[1].config.model.moe.has_value());
  EXPECT_EQ(runs[1].config.schedule.lr, 5e-4);
  EXPECT_TRUE(runs[2].config.model.moe.has_value());
  EXPECT_EQ(runs[2].config.schedule.lr, 1e-3);
  for (const auto& run : runs) {
    EXPECT_FALSE(run.config.sweep.given());
    EXPECT_EQ(run.config.run.dir, "");
  }
}

TEST(Sweep, OverridesReachEveryRunAndAVariantsOwnComeLast) {
  const TempDir folder;
  const auto runs = expand_sweep(folder.write_file("g.yaml", base(kTwoByTwo)),
                                 {"train.steps=9", "schedule.lr=1", "sweep.seeds=[1]"});
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs[0].config.train.steps, 9);
  EXPECT_EQ(runs[0].config.schedule.lr, 1);
  EXPECT_EQ(runs[1].config.train.steps, 9);
  EXPECT_EQ(runs[1].config.schedule.lr, 5e-4);
}

TEST(Sweep, WithoutSeedsUsesTheRunsOwn) {
  const TempDir folder;
  const auto path = folder.write_file("g.yaml", base("run: {seed: 5}\nsweep: {variants: {a: []}}\n"));
  EXPECT_EQ(names(expand_sweep(path, {})), std::vector<std::string>{"g-a-s5"});
}

TEST(Sweep, IsCalledAndPlacedAsTheConfigSays) {
  const TempDir folder;
  const auto path = folder.write_file(
      "g.yaml", base("run: {name: first, dir: out}\nsweep: {variants: {a: [], b: []}}\n"));
  const auto runs = expand_sweep(path, {});
  EXPECT_EQ(names(runs), (std::vector<std::string>{"first-a-s1", "first-b-s1"}));
  EXPECT_EQ(runs[1].config.run.dir, "out/first-b-s1");
}

TEST(Sweep, NamesTheVariantThatIsWrong) {
  const TempDir folder;
  const auto path = folder.write_file(
      "g.yaml", base("sweep: {variants: {good: [], bad: [model.layerz=3]}}\n"));
  const auto text = message_of<ConfigError>([&] { expand_sweep(path, {}); });
  EXPECT_EQ(text,
            "sweep variant 'bad':\noverride 'model.layerz=3': model.layerz: unknown key (did you "
            "mean 'layers'?)");
}

}  // namespace
}  // namespace moe

// The memory that --dry-run announces against the highest resident set of a run (VmHWM). All save while
// they train: rows do not show what the save at a run's end takes.
#include <gtest/gtest.h>

#include <sstream>

#include "tests/support/tiny_run.h"

namespace moe {
namespace {

class MemoryEstimate : public testing::TestWithParam<const char*> {};

// Large enough that LibTorch itself is not most of it.
TEST_P(MemoryEstimate, IsWithinAFifthOfTheMeasuredPeak) {
  const TinyRun tiny;
  std::vector<std::string> overrides = {
      "run.dir=run",           "model.d_model=256",        "model.heads=4",   "model.layers=2",
      "model.context=128",     "model.active_width=1024",  "train.steps=6",   "train.batch_tokens=2048",
      "train.eval_tokens=128", "checkpoint.every=1",       "model.moe.gate.kind=top_k"};
  std::istringstream more(GetParam());
  for (std::string word; more >> word;) overrides.push_back(word);

  auto dry = overrides;
  dry.insert(dry.end(), {"--dry-run", "--json"});
  const auto report = tiny.train(dry);
  ASSERT_EQ(report.code, 0) << report.err;
  const auto memory = Json::parse(report.out)["memory_bytes"];
  const auto run = tiny.train(overrides);
  ASSERT_EQ(run.code, 0) << run.err;
  double peak = 0;
  for (const auto& row : tiny.rows("run")) {
    if (row["split"] == "train") peak = row["peak_memory"];
  }
  const double total = memory["total"], saving = memory["saving"];
  RecordProperty("estimate_over_peak", std::to_string(total / peak));
  EXPECT_GT(total, 0.8 * peak) << memory << " peak " << peak;
  // A fast disk has let go of the copies before the next step needs the most.
  EXPECT_LT(total - saving, 1.2 * peak) << memory << " peak " << peak;
  // The process itself would not have been enough, nor the parts without activations and copies.
  EXPECT_LT(total - memory["activations"].get<double>() - saving, 0.9 * peak);
  // Copies larger than all that a step keeps show on any disk.
  if (saving > memory["activations"].get<double>() + memory["workspace"].get<double>()) {
    EXPECT_LT(total - saving, 0.95 * peak) << memory << " peak " << peak;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Configs, MemoryEstimate,
    testing::Values("model.moe=none", "model.moe.gate.kind=top_k", "model.moe.gate.kind=dselect_k",
                    "model.moe.gate.kind=dselect_k model.moe.max_slots_per_chunk=2048",
                    "model.moe=none train.dtype=bf16 train.batch_tokens=4096",
                    "train.dtype=bf16",
                    "train.dtype=bf16 model.moe.experts=32 model.moe.gate.k=4",
                    "model.moe=none model.d_model=64 model.context=4096 train.batch_tokens=4096 "
                    "data.documents=separator data.separator=gate"));

}  // namespace
}  // namespace moe

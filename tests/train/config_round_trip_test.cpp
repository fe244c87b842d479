// load(print(config)) == config for the whole of a run's config and every config that is shipped.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "configs/config_io.h"
#include "tests/support/temp_dir.h"
#include "train/run_config.h"
#include "train/sweep.h"

namespace moe {
namespace {

// Compared by leaves and by print: two ways, so that a field that neither shows is a missing field
// of fields(), which the reader could not set either.
void expect_round_trip(RunConfig config, const std::string& name) {
  const auto printed = print_config(view_of(config));
  auto again = parse_config<RunConfig>(printed, name);
  EXPECT_EQ(flatten_config(view_of(again)), flatten_config(view_of(config))) << name;
  EXPECT_EQ(print_config(view_of(again)), printed) << name;
}

// Every leaf of every section with a value that is not its default.
const char* const kUnusual =
    "run: {name: 'a: b', dir: '#d', seed: 4294967295}\n"
    "model: {d_model: 48, layers: 5, heads: 6, kv_heads: 2, head_dim: 10, context: 24, "
    "active_width: 128, rope_theta: 1234.5678901234567, norm_eps: 1e-7, tie_embeddings: false, "
    "qk_norm: true, parallel_block: true, activation: geglu,\n"
    "  moe: {experts: 7, d_hidden: 32, shared_experts: 1, first_dense: 1, every: 2, dispatch: sparse, "
    "allow_future_leak: true, max_slots_per_chunk: 7,\n    layers: {3-4: {gate: {kind: mixtral, k: 3}}},\n"
    "    gate: {kind: top_k, k: 3, softmax: after, renormalize: false, capacity_factor: 1.1, group_tokens: 64, "
    "capacity_order: choice, jitter: 0.1, load_balancing: 0.3, balance_scope: sequence, z_loss: "
    "1e-3, init_scale: 0.7, expert_dropout: 0.2}}}\n"
    "data: {sources: {'yes': {train: [a.txt, '*.md', 'no'], valid: ['5'], weight: 1e-3}, "
    "b-2: {train: '#'}}, valid_fraction: 0.1, block_bytes: 2048, documents: separator, "
    "separator: \"\\x1e: \\n\", cache: 'null'}\n"
    "objective: {kind: ul2, mixture: own, sentinels: 99, sentinel_at_split: true, denoisers: {'no': {mean_span: 1.5, "
    "rate: 0.30000000000000004, weight: 1e-3, mode: nlg}, p: {kind: prefix, mode: s2s}}}\n"
    "optimizer: {beta1: 0.1, beta2: 0.2, eps: 1e-9, weight_decay: 0, clip: 0,\n"
    "  groups: {'no': {match: ['*.norm*', 'off'], lr: 0, weight_decay: 0.5, freeze: true}}}\n"
    "schedule: {kind: inverse_sqrt, lr: 0.1, warmup: 0, final_ratio: 0.30000000000000004}\n"
    "train: {steps: 1000000000000, extra_compute: 0.01, batch_tokens: 240, accumulate: 5, eval_every: 0, eval_tokens: "
    "1, device: cpu, threads: 3, dtype: bf16, recompute: true, logit_z_loss: 1e-4, on_nonfinite: stop, "
    "spike: 5.5, bad_steps: 3}\n"
    "parallel: {expert: 7, overlap_chunks: 3, shard_optimizer: true, backend: nccl, bucket_mib: 0.5, "
    "timeout: 1.5, store: '/no'}\n"
    "checkpoint: {every: 0, keep: 9}\n"
    "init: {from: 'a: b', gate: fresh, optimizer: keep, upcycle: true, take: [data, model]}\n"
    "energy: {watts: 0.5, processors: 3, pue: 1.59, kg_co2e_per_kwh: 0.429}\n"
    "log: {every: 3, level: debug, diagnostics: false, tensorboard: false, peak_tflops: 0.5}\n"
    "sweep: {seeds: [3, 1], variants: {z: [model.moe=none], 'yes': ['a=\"b, c\"', 'x=[1]'], "
    "m: []}}\n";

TEST(ConfigRoundTrip, DefaultsOfEveryGate) {
  for (const auto& kind : gate_kinds()) {
    expect_round_trip(parse_config<RunConfig>("data: {train: a}\nmodel: {moe: {allow_future_leak: true, gate: {kind: " +
                                              kind.name + "}}}\n"),
                      kind.name);
  }
  expect_round_trip(parse_config<RunConfig>("data: {train: a}\nmodel: {moe: none}\n"), "none");
}

TEST(ConfigRoundTrip, DefaultsOfEveryObjective) {
  for (const auto& kind : objective_kinds()) {
    expect_round_trip(parse_config<RunConfig>("data: {train: a}\nobjective: {kind: " + kind.name + "}\n"), kind.name);
  }
}

TEST(ConfigRoundTrip, UnusualValues) {
  const auto config = parse_config<RunConfig>(kUnusual);
  expect_round_trip(config, "unusual");
}

TEST(ConfigRoundTrip, SimpleFormOfData) {
  expect_round_trip(parse_config<RunConfig>("data: {train: [a, 'no'], valid: ['5']}\n"), "data");
}

// So that a field added later gets its unusual value above.
TEST(ConfigRoundTrip, TheUnusualConfigLeavesNoDefault) {
  auto unusual = parse_config<RunConfig>(kUnusual);
  auto plain = parse_config<RunConfig>("data: {train: a}\nmodel: {moe: {gate: {kind: top_k}}}\n");
  std::map<std::string, std::string> defaults;
  for (const auto& [key, value] : flatten_config(view_of(plain))) defaults[key] = value;
  for (const auto& [key, value] : flatten_config(view_of(unusual))) {
    if (key == "data.tokenizer" || key == "model.moe.gate.kind") continue;  // the only choice; above
    if (key == "data.valid") continue;  // may not stand beside sources; below
    EXPECT_NE(value, defaults[key]) << key;
  }
}

TEST(ConfigRoundTrip, EveryConfigOfTheProject) {
  namespace fs = std::filesystem;
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(MOE_SOURCE_DIR "/configs")) {
    if (entry.path().extension() != ".yaml") continue;
    const std::string path = entry.path();
    // What continues a checkpoint takes these from there.
    const bool takes = read_bytes(path).find("\n  take: [model, data]\n") != std::string::npos;
    std::vector<std::string> alone;
    if (takes) alone = {"init.from=there", "init.take=[]", "data.train=a"};
    const auto config = load_config<RunConfig>(path, alone);
    expect_round_trip(config, path);
    if (takes) {
      alone.push_back("sweep={}");
      for (const auto& [variant, changes] : config.sweep.variants) {
        auto all = alone;
        all.insert(all.end(), changes.begin(), changes.end());
        expect_round_trip(load_config<RunConfig>(path, all), path + ": " + variant);
      }
    } else if (config.sweep.given()) {
      for (const auto& run : expand_sweep(path, {})) expect_round_trip(run.config, path);
    }
    ++files;
  }
  EXPECT_GE(files, 1);
}

}  // namespace
}  // namespace moe

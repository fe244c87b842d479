// Runs written by hand, for the tests of moe-compare.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/support/temp_dir.h"
#include "train/compare/compare.h"

namespace moe {

inline std::string valid_row(int64_t step, const std::string& bits) {
  return R"({"step":)" + std::to_string(step) + R"(,"split":"valid","loss":1.5,"tokens":)" +
         std::to_string(step * 64) + R"(,"flops":)" + std::to_string(step * 1000) +
         R"(,"flops_executed":)" + std::to_string(step * 2000) + R"(,"seconds":)" +
         std::to_string(step) + R"(.0,"bits_per_byte":)" + bits +
         R"(,"objectives":{"causal":1.5}})" + "\n";
}

// Of two layers whose slots per token are `slots` -+ 1.
inline std::string train_row(int64_t step, double slots) {
  const auto layer = [&](int number, double value) {
    return R"({"layer":)" + std::to_string(number) +
           R"(,"tokens_per_expert":[1,2],"slots_per_token":)" + std::to_string(value) +
           R"(,"max_vio":0.5,"gate":{"coincident_selectors":0.25}})";
  };
  return R"({"step":)" + std::to_string(step) + R"(,"split":"train","loss":2.5,"tokens":)" +
         std::to_string(step * 64) + R"(,"flops":1.0,"flops_executed":1.0,"seconds":1.0,"moe":[)" +
         layer(0, slots - 1) + "," + layer(1, slots + 1) + "]}\n";
}

inline Json compare_runs(const CompareOptions& options) {
  return moe::compare(read_variants(options), options);
}

class Compare : public testing::Test {
 protected:
  // A run of 100 steps; `more` are further lines of its config.
  void write_run(const std::string& name, int64_t seed, const std::string& rows,
                 const std::string& moe = "none", const std::string& more = "") {
    const auto folder = "runs/" + name;
    std::filesystem::create_directories(files_.file(folder));
    files_.write_file(folder + "/config.yaml",
                      "run: {name: " + name + ", dir: \"" + files_.file(folder) +
                          "\", seed: " + std::to_string(seed) +
                          "}\nmodel: {d_model: 16, layers: 2, heads: 2, context: 16, "
                          "active_width: 32, moe: " +
                          moe +
                          "}\ndata: {train: text.txt}\n"
                          "train: {steps: 100, batch_tokens: 64}\n" +
                          more);
    files_.write_file(folder + "/metrics.jsonl", rows);
  }
  void write_pairs() {
    const double dense[] = {10, 20, 30}, sparse[] = {11, 22, 33};
    for (int64_t seed = 1; seed <= 3; ++seed) {
      const auto suffix = "-s" + std::to_string(seed);
      write_run("test-dense" + suffix, seed,
                valid_row(50, "99.0") + valid_row(100, std::to_string(dense[seed - 1])));
      write_run(
          "test-top_k" + suffix, seed,
          train_row(90, 7) + train_row(100, 3) + valid_row(100, std::to_string(sparse[seed - 1])),
          "{experts: 4, gate: {kind: top_k, k: 2}}");
    }
  }
  // Says that the run began with this checkpoint, which had cost 8000 FLOPs (2000 of them attention's), 512 tokens
  // (256 of them targets) and 8 seconds.
  void write_beginning(const std::string& run, const std::string& checkpoint, const std::string& joules = "null") {
    files_.write_file("runs/" + run + "/environment.json",
                      R"({"began_with":{"checkpoint":")" + checkpoint +
                          R"(","step":100,"tokens":512,"target_tokens":256,"flops":8000,"flops_attention":2000,)" +
                          R"("seconds":8.0,"joules":)" + joules + "}}\n");
  }
  // One record; `tasks` and `more` are JSON: "NAME":{...},... and ,"load":{...}.
  void write_evals(const std::string& run, const std::string& tasks, int64_t step = 100,
                   const std::string& more = "") {
    files_.write_file("runs/" + run + "/eval.jsonl", R"({"step":)" + std::to_string(step) + R"(,"tasks":{)" + tasks +
                                                         "}" + more + "}\n");
  }
  // Replaces the first such text of a run's file.
  void change(const std::string& path, const std::string& was, const std::string& is) {
    auto bytes = read_bytes(files_.file(path));
    ASSERT_NE(bytes.find(was), std::string::npos) << path << " has no " << was;
    files_.write_file(path, bytes.replace(bytes.find(was), was.size(), is));
  }
  Json report(const std::string& metric = "bits_per_byte", const std::string& baseline = "",
              int64_t over_time = 0) const {
    return compare_runs({{files_.file("runs")}, baseline, metric, over_time});
  }
  std::string warnings(const std::string& metric = "bits_per_byte") const {
    std::string text;
    const auto all = report(metric);
    for (const auto& warning : all["warnings"]) text += warning.get<std::string>() + "\n";
    return text;
  }
  TempDir files_;
};

}  // namespace moe

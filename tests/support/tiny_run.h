// The smallest run that has every part: a config and a text in a folder of its own, a step of a few
// milliseconds, one thread.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "data/formats/metrics_file.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace moe {

// English-looking words in an order of their own: learnable quickly, never memorised in a few steps.
inline std::string tiny_text(size_t words = 4000) {
  const std::vector<std::string> vocabulary = {"the",   "gate", "sends", "every",   "token",
                                               "to",    "two",  "of",    "its",     "experts",
                                               "which", "add",  "what",  "they",    "say",
                                               "and",   "then", "rest"};
  uint32_t state = 12345;
  std::string text;
  for (size_t i = 0; i < words; ++i) {
    state = state * 1664525u + 1013904223u;
    text += vocabulary[(state >> 16) % vocabulary.size()] + (i % 11 == 10 ? ".\n" : " ");
  }
  return text;
}

inline const char* const kTinyConfig =
    "model:\n"
    "  d_model: 16\n"
    "  layers: 2\n"
    "  heads: 2\n"
    "  context: 16\n"
    "  active_width: 32\n"
    "  moe: {experts: 4, gate: {kind: top_k}}\n"
    "data: {train: text.txt}\n"
    "schedule: {lr: 1e-2, warmup: 3}\n"
    "train: {steps: 30, batch_tokens: 64, eval_every: 0, eval_tokens: 128, threads: 1}\n"
    "checkpoint: {every: 0}\n"
    "log: {every: 1}\n";

class TinyRun {
 public:
  explicit TinyRun(const std::string& more_config = "") {
    folder_.write_file("text.txt", tiny_text());
    folder_.write_file("tiny.yaml", kTinyConfig + more_config);
  }
  const std::string& folder() const { return folder_.path(); }
  std::string file(const std::string& name) const { return folder_.file(name); }
  const TempDir& files() const { return folder_; }

  // moe-train tiny.yaml ARGUMENTS, in the folder.
  std::vector<std::string> command(const std::vector<std::string>& arguments) const {
    std::vector<std::string> all = {MOE_BIN_DIR "/moe-train", "tiny.yaml"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return all;
  }
  Finished train(const std::vector<std::string>& arguments = {}) const {
    return run_to_end(command(arguments), folder());
  }
  std::vector<Json> rows(const std::string& run) const {
    return read_metrics(file(run + "/metrics.jsonl"));
  }

 private:
  TempDir folder_;
};

// What must repeat from run to run: all but times and memory.
inline std::vector<Json> repeatable(std::vector<Json> rows) {
  for (auto& row : rows) {
    for (const char* measured : {"seconds", "joules", "tokens_per_second", "tflops", "mfu", "peak_memory"}) {
      row.erase(measured);
    }
  }
  return rows;
}

inline size_t lines_in(const std::string& path) {
  const auto text = read_bytes(path);
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace moe

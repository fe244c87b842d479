// moe-generate: continuations of a prompt from a checkpoint.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/formats/metrics_file.h"
#include "data/tokenizer.h"

// Declared, not included: a program's main needs no LibTorch header.
namespace c10 {
struct Device;
}

namespace moe {

struct Model;

struct GenerateOptions {
  std::string prompt;        // bytes as they are; empty: start from the end of a text
  int64_t tokens = 200;      // at most, of one sample
  double temperature = 0.8;  // 0: always the likeliest token
  double top_p = 1;          // keep the likeliest tokens that have this much probability together
  int64_t seed = 1;
  int64_t samples = 1;

  // Throws ConfigError naming flag, expectation and value.
  void check() const;
};

struct Continuation {
  std::vector<int64_t> ids;  // the end included where it ended
  std::string text;          // their bytes, prompt excluded
  bool ended = false;        // by the end token, before `tokens`
};

// Dropless and noise-free, gates as they were after this share of their run (`progress`), so that a
// checkpoint speaks as it was validated. The last `context` tokens are fed again for every token, so no more is kept between them than the ids. Sample n is the same
// whatever the number of samples. Throws RunError when the model's figures are not numbers.
std::vector<Continuation> generate(Model& model, const Tokenizer& tokenizer, int64_t context,
                                   c10::Device device, const GenerateOptions& options, double progress);

// The same from a checkpoint's or a run's folder. With --json:
//   checkpoint   the checkpoint's folder
//   prompt       the prompt, shown printable: bytes that are not UTF-8 as \xnn
//   options      {tokens, temperature, top_p, seed}
//   samples      a list of {text: the continuation alone, shown: with the prompt before it (both
//                printable), ids: of the continuation, exact, ended: by the end token}
// Throws what find_checkpoint, load_parameters and generate throw.
Json generate_report(const std::string& path, const GenerateOptions& options);

// The report for a terminal: prompt and continuation, a rule with the number between samples.
std::string generate_text(const Json& report);

}  // namespace moe

// moe-generate: continuations of a prompt, or what fills its blanks, from a checkpoint.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/formats/metrics_file.h"
#include "data/tokenizer.h"

namespace moe {

// Declared, not included: a program's main needs no LibTorch header.
struct PromptForm;
struct Reader;

struct GenerateOptions {
  std::string prompt;        // bytes as they are; empty: start from the end of a text
  int64_t tokens = 200;      // at most, of one sample
  double temperature = 0.8;  // 0: always the likeliest token
  double top_p = 1;          // keep the likeliest tokens that have this much probability together
  int64_t seed = 1;
  int64_t samples = 1;
  bool cache = true;         // keep keys and values between tokens
  bool infill = false;       // fill every <blank> of the prompt
  std::string mode = "auto";              // as prompt_form() and infill_mode() take it
  std::string prefix_attention = "auto";  // as prompt_form() takes it

  // Throws ConfigError naming flag, expectation and value.
  void check() const;
};

struct Continuation {
  std::vector<int64_t> ids;        // all that was written, the end included where it ended
  std::string text;                // their bytes, prompt excluded; of an infilling the prompt with its blanks filled
  bool ended = false;              // by the end token, before `tokens`; of an infilling as Infilled::ended
  std::vector<std::string> spans;  // of an infilling, in the order of the blanks
};

// Sample n is the same whatever the number of samples. Throws what decode() and, with options.infill, infill() throw.
// Of an infilling form.mode alone is used.
std::vector<Continuation> generate(const Reader& reader, const Tokenizer& tokenizer, const PromptForm& form,
                                   const GenerateOptions& options);

// The same from a checkpoint's or a run's folder, gates as they were after its share of their run, so that it speaks
// as it was validated. With --json:
//   checkpoint   the checkpoint's folder
//   prompt       the prompt, shown printable: bytes that are not UTF-8 as \xnn
//   options      {tokens, temperature, top_p, seed, cache: whether keys and values were kept, mode: the word, or none,
//                prefix_attention: causal or bidirectional}
//   samples      a list of {text: the continuation alone, or the prompt with its blanks filled, shown: with the prompt
//                before it, or the same (all printable), ids: all that was written, exact, ended: as in Continuation}
//   infill       with --infill {blanks: how many, mode, spans: of every sample a list, one text a blank, printable}
// Throws what find_checkpoint, load_parameters and generate throw, and ConfigError for more blanks than the
// checkpoint's objective has sentinels.
Json generate_report(const std::string& path, const GenerateOptions& options);

// The report for a terminal: prompt and continuation, or the filled text; a rule with the number between samples.
std::string generate_text(const Json& report);

}  // namespace moe

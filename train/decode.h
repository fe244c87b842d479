// Tokens that a model writes after given ids, one at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "train/model.h"

namespace moe {

// What is there before the first token is written.
struct Given {
  std::vector<int64_t> ids;  // at least one
  int64_t prefix = 0;        // that many first ids see each other; 0: causal throughout
  int64_t kept = 0;          // that many first ids stay where the context has no room for all: a mode token
};

struct DecodeOptions {
  int64_t tokens = 200;            // at most
  double temperature = 0;          // 0: always the likeliest token
  double top_p = 1;                // keep the likeliest tokens that have this much probability together
  int64_t seed = 1, sample = 0;    // of the draws
  int64_t first_place = 0;         // of the draws: that of the first token
  std::vector<int64_t> allowed;    // ids that may be written, ascending; empty: all
  int64_t end = -1;                // the id that ends it, and is written too; -1: none does
  bool cache = true;               // keep keys and values instead of feeding everything again
  std::vector<int64_t> stops;      // ids after which nothing is written either, without it having `ended`
};

struct Decoded {
  std::vector<int64_t> ids;  // written, the end included
  bool ended = false;        // by options.end, before options.tokens
};

// What a model is asked with.
struct Reader {
  Model& model;
  int64_t context = 0;  // tokens that it sees at most: its model.context
  at::Device device = at::kCPU;
  double progress = 1;  // the share of its run that was done: gates' schedules follow it
  bool causal_gates = true;  // false where a gate's choice depends on other tokens: nothing is cached then
};

// What Reader::causal_gates is for this model: whether every gate, as it is when no one trains it, chooses for a token
// by that token alone. Not GateConfig::causal(), which is about training.
bool gates_choose_alone(const ModelConfig& model);

// Dropless and noise-free. The same tokens with `cache` and without: keys and values of what stands before are
// kept as long as ids and written tokens fit into `context`; beyond it `context` ids are fed again for every token, at
// positions from 0: those that are `kept`, and the last ones. The prefix is what is left of it. Throws RunError when the model's figures are not
// numbers, std::invalid_argument for ids that are empty, or fewer than the prefix or the kept ones.
Decoded decode(const Reader& reader, const Given& given, const DecodeOptions& options);

}  // namespace moe

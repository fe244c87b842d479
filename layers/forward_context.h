// What every layer may know of the batch it works on. Built by train/ from data's plain Batch.
#pragma once

#include <string>
#include <vector>

#include "layers/noise.h"
#include "layers/torch.h"

namespace moe {

struct ForwardContext {
  Tensor token_ids;       // [B, S] int64
  Tensor positions;       // [B, S] int64, or undefined: 0, 1, ... in every row
  Tensor segments;        // [B, S] int64 document of each token, or undefined: one per row
  Tensor prefix;          // [B, S] bool: tokens of one segment that all see each other, or undefined: none
  Tensor valid;           // [B, S] bool: false is padding, or undefined: all valid
  int64_t step = 0;
  double progress = 0;  // share of the run that is done, in [0, 1]: gate schedules follow it
  NoiseKey noise;       // `layer` is filled in by the layer that draws
  bool training = false;
  bool keep_routing = false;  // whether layers' reports hold what every token's gate did
  bool diagnostics = true;  // whether gates form the figures that only people read
  // Of the micro-step over all ranks: its tokens (0: these are all), and those of the ranks before this one.
  int64_t world_tokens = 0, tokens_before = 0;

  int64_t B() const { return token_ids.size(0); }
  int64_t S() const { return token_ids.size(1); }
  int64_t all_tokens() const { return world_tokens > 0 ? world_tokens : B() * S(); }
  // [B, S] int64, whether positions are given or not.
  Tensor position_ids() const;
};

// A loss beside the task's. The trainer adds coefficient * value.
struct AuxLoss {
  std::string name;
  Tensor value;  // scalar, with gradient
  double coefficient = 0;
};

}  // namespace moe

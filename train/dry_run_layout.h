// How a run would lie on ranks, and what one of them would hold: for --dry-run, from shapes alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "layers/decoder.h"
#include "train/run_config.h"

namespace moe {

// Ranks as in moe/mesh.h; consecutive ones share a node. By default one alone.
struct RankLayout {
  int64_t ranks = 1;     // R
  int64_t expert = 1;    // N: hold a layer's experts together
  int64_t per_node = 1;
  int64_t data() const { return ranks / expert; }
  int64_t nodes() const { return ranks / per_node; }
};

// With parallel.expert of the config; per_node 0: all on one node. ConfigError where numbers do not divide.
RankLayout rank_layout(const RunConfig& config, int64_t ranks, int64_t per_node);

// A parameter as one rank has it.
struct HeldParameter {
  double values = 0;    // of this rank
  int64_t holders = 1;  // ranks that have the same ones, over which gradients are added up
  bool spread = false;  // an expert's, of which others have the rest
  bool frozen = false;  // neither gradient nor moments
};

struct Holdings {
  std::vector<HeldParameter> parameters;  // in the decoder's order
  std::vector<size_t> updated;            // those with moments, in the optimizer's order

  double values() const;          // of all parameters
  double trained_values() const;  // without frozen ones
};

// `decoder` has all experts; the meta device is enough. ConfigError for optimizer.groups that do not fit it.
Holdings holdings(const RunConfig& config, const Decoder& decoder, const RankLayout& layout);

// Values of a parameter whose moments one rank keeps: its share with parallel.shard_optimizer, the largest
// one where shares are uneven.
double updated_values(const RunConfig& config, const HeldParameter& parameter);

// Bytes of an original: 8 under train.dtype fp64.
double original_bytes(const RunConfig& config);
// Bytes of what the model computes with.
double model_bytes(const RunConfig& config);

}  // namespace moe

// Routes real text through a checkpoint's model and reads what its gates did.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "train/diagnose/layer.h"
#include "train/run_config.h"

namespace moe {

struct RouteOptions {
  std::string data;        // a text file; empty: the validation rows that the run itself had
  int64_t tokens = 16384;  // at most, rounded up to whole rows
  std::string against;     // a checkpoint or a run's folder; empty: none
  int64_t ranks = 0;       // 0: no load of ranks
  std::string dump;        // --dump-routing; empty: none
};

struct RoutedText {
  std::string checkpoint;  // folder
  RunConfig config;
  int64_t step = 0;  // the checkpoint's
  std::string against;  // folder of the reference's checkpoint, or empty
  int64_t against_step = 0;
  std::string text;  // what was routed, in words
  int64_t tokens = 0;
  double loss = 0;  // nats per target token, dropless
  std::vector<LayerDiagnosis> layers;  // none for a dense model
};

// In batches of the size of a micro-step. Dropless and noise-free; where the gate has a capacity, a
// second time with it, still without noise, for `limited`. `path` as in find_checkpoint. Throws what
// find_checkpoint and load_parameters throw; RunError for text that cannot be read or is shorter
// than a row, and for a dump that cannot be written; ConfigError for a reference of another shape,
// ranks that do not divide the experts, and either or a dump with a dense model.
RoutedText route_text(const std::string& path, const RouteOptions& options);

// ConfigError unless `ranks` is 0 or divides the experts.
void check_ranks(int64_t ranks, const RunConfig& config, const std::string& path);

}  // namespace moe

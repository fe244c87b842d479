// Routes real text through a checkpoint's model and reads what its gates did.
#pragma once

#include <string>
#include <vector>

#include "train/diagnose/layer.h"
#include "train/run_config.h"

namespace moe {

struct RouteOptions {
  std::string data;        // a text file; empty: the validation rows that the run itself had
  int64_t tokens = 16384;  // at most, rounded up to whole rows
};

struct RoutedText {
  std::string checkpoint;  // folder
  RunConfig config;
  int64_t step = 0;  // the checkpoint's
  std::string text;  // what was routed, in words
  int64_t tokens = 0;
  double loss = 0;  // nats per target token, dropless
  std::vector<LayerDiagnosis> layers;  // none for a dense model
};

// In batches of the size of a micro-step. Dropless and noise-free; where the gate has a capacity, a
// second time with it, still without noise, for `limited`. `path` as in find_checkpoint. Throws what
// find_checkpoint and load_parameters throw; RunError for text that cannot be read or is shorter
// than a row.
RoutedText route_text(const std::string& path, const RouteOptions& options);

}  // namespace moe

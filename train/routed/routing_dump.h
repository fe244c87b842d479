// --dump-routing: every token's choice, as a safetensors file for other programs. The names in it are a
// contract: docs/diagnostics.md.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "data/batch.h"
#include "data/formats/atomic_file.h"
#include "moe/moe_layer.h"

namespace moe {

class RoutingDump {
 public:
  // What it may hold in memory until it is written.
  static constexpr int64_t kMostBytes = int64_t{4} << 30;

  // Throws RunError where a file cannot be made there, before any token is routed. Nothing stands
  // under `path` before write(), or the file that was there.
  explicit RoutingDump(const std::string& path, int64_t most_bytes = kMostBytes);

  // A batch's tokens, and then what every layer did with them. Throw RunError beyond the bytes.
  void add_tokens(const Batch& batch, int64_t source);
  void add_layer(int64_t layer, const KeptRouting& routing);

  // Puts the file in place. Throws RunError (a full disk).
  void write(const std::map<std::string, std::string>& metadata);

 private:
  // Slots of a layer, a piece for each batch, all [T, K] with a K of their own.
  struct Pieces {
    std::vector<Tensor> expert, weight;
  };
  void count(int64_t bytes);

  std::string name_;
  AtomicFile file_;
  int64_t bytes_ = 0, most_bytes_;
  std::vector<int32_t> tokens_, targets_, positions_, sources_;
  std::map<int64_t, Pieces> layers_;
};

}  // namespace moe

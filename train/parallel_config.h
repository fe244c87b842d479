// Section `parallel`: how a run is laid out on ranks. May change on resume: the same run goes on.
#pragma once

#include <cstdint>
#include <string>

#include "configs/fields.h"

namespace moe {

struct ParallelConfig {
  int64_t expert = 1;
  int64_t overlap_chunks = 1;
  bool shard_optimizer = false;
  std::string backend = "auto";
  double bucket_mib = 25;
  double timeout = 60;
  std::string store;
  void fields(Fields& f);
};

}  // namespace moe

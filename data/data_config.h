// Section `data`: which text is read and how it is split.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "configs/fields.h"

namespace moe {

struct DataConfig {
  std::vector<std::string> train;
  std::vector<std::string> valid;
  double valid_fraction = 0.02;
  int64_t block_bytes = 65536;
  std::string cache;  // empty: $XDG_CACHE_HOME/moe, else ~/.cache/moe
  std::string tokenizer = "byte";

  void fields(Fields& f);
  void check(Rules& rules) const;
};

}  // namespace moe

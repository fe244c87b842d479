// Section `data`: which text is read, how it is split and mixed, and where documents end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "configs/fields.h"

namespace moe {

// One of `data.sources`.
struct SourceConfig {
  std::vector<std::string> train;
  std::vector<std::string> valid;
  double weight = 1;

  void fields(Fields& f);
  void check(Rules& rules) const;
};

struct DataConfig {
  std::vector<std::string> train;
  std::vector<std::string> valid;
  NamedSections<SourceConfig> sources;
  double valid_fraction = 0.02;
  int64_t block_bytes = 65536;
  std::string documents = "none";
  std::string separator = "\n\n";
  std::string cache;  // empty: $XDG_CACHE_HOME/moe, else ~/.cache/moe
  std::string tokenizer = "byte";

  void fields(Fields& f);
  void check(Rules& rules) const;
};

}  // namespace moe

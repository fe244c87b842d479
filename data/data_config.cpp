#include "data/data_config.h"

namespace moe {

void DataConfig::fields(Fields& f) {
  Range fraction = above(0);
  fraction.high = 0.5;
  f("train", train, "text to train on: files or globs, plain or gzip");
  f("valid", valid, "text to validate on; empty: a part of `train`, in interleaved blocks");
  f("valid_fraction", valid_fraction, "part of `train` kept for validation while `valid` is empty",
    fraction);
  f("block_bytes", block_bytes, "bytes of one block of that split (shrunk for short text)",
    at_least(1024));
  f("cache", cache,
    "folder for unpacked gzip files; empty: $XDG_CACHE_HOME/moe, else ~/.cache/moe");
  f("tokenizer", tokenizer, "how text becomes tokens", one_of({"byte"}));
}

void DataConfig::check(Rules& rules) const {
  rules.require(!train.empty(), "train",
                "expected at least one text file or glob, found none; name your text, for example "
                "data.train=my.txt");
  const auto no_empty_names = [&rules](const std::vector<std::string>& patterns, const char* key) {
    for (const auto& pattern : patterns) {
      rules.require(!pattern.empty(), key, "expected file names or globs, found an empty text");
    }
  };
  no_empty_names(train, "train");
  no_empty_names(valid, "valid");
}

}  // namespace moe

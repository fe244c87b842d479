#include "data/data_config.h"

#include "configs/scalar.h"

namespace moe {
namespace {

// Shares are kept in units of 2^-32 (data/mixed_dataset.h).
constexpr double kLeastShare = 1e-6;

void no_empty_names(Rules& rules, const std::vector<std::string>& patterns, const char* key) {
  for (const auto& pattern : patterns) {
    rules.require(!pattern.empty(), key, "expected file names or globs, found an empty text");
  }
}

}  // namespace

void SourceConfig::fields(Fields& f) {
  f("train", train, "text to train on: files or globs, plain or gzip");
  f("valid", valid, "text to validate on; empty: a part of `train`, in interleaved blocks");
  f("weight", weight, "its share of the training rows is this over the sum of all weights",
    above(0));
}

void SourceConfig::check(Rules& rules) const {
  rules.require(!train.empty(), "train",
                "expected at least one text file or glob, found none; name this source's text");
  no_empty_names(rules, train, "train");
  no_empty_names(rules, valid, "valid");
}

void DataConfig::fields(Fields& f) {
  Range fraction = above(0);
  fraction.high = 0.5;
  f("train", train, "text to train on: files or globs, plain or gzip");
  f("valid", valid, "text to validate on; empty: a part of `train`, in interleaved blocks");
  f.sections("sources", sources,
             "several texts in place of `train` and `valid`, mixed by weight and validated "
             "separately");
  f("valid_fraction", valid_fraction, "part of `train` kept for validation while `valid` is empty",
    fraction);
  f("block_bytes", block_bytes, "bytes of one block of that split (shrunk for short text)",
    at_least(1024));
  f("documents", documents,
    "where attention and positions begin anew, the end token being the target: `none`: nowhere in "
    "a row; `file`: after every file, and rows are packed across files; `separator`: after every "
    "`separator` too",
    one_of({"none", "file", "separator"}));
  f("separator", separator,
    "what ends a document while `documents` is `separator`; by default a blank line");
  f("cache", cache,
    "folder for unpacked gzip files; empty: $XDG_CACHE_HOME/moe, else ~/.cache/moe");
  f("tokenizer", tokenizer, "how text becomes tokens", one_of({"byte"}));
}

void DataConfig::check(Rules& rules) const {
  rules.require(!train.empty() || !sources.empty(), "train",
                "expected at least one text file or glob, found none; name your text, for example "
                "data.train=my.txt");
  rules.require(train.empty() || sources.empty(), "train",
                "expected either `train` or `sources`, found both: make this text a source, or "
                "leave one out with data.train=[] or data.sources={}");
  rules.require(valid.empty() || sources.empty(), "valid",
                "expected `valid` within each of `sources`, found it beside them");
  no_empty_names(rules, train, "train");
  no_empty_names(rules, valid, "valid");
  rules.sections("sources", sources);
  double weights = 0;
  for (const auto& [name, source] : sources) weights += source.weight;
  for (const auto& [name, source] : sources) {
    rules.require(source.weight / weights >= kLeastShare, "sources." + name + ".weight",
                  "expected at least a millionth of all weights together, found " +
                      number_text(source.weight) + " of " + number_text(weights) +
                      "; leave a source out with data.sources." + name + "=none");
  }
  constexpr size_t kLongestSeparator = 256;
  rules.require(!separator.empty() && separator.size() <= kLongestSeparator, "separator",
                "expected 1 to 256 bytes, found " + std::to_string(separator.size()) +
                    "; where only files separate documents write documents: file");
}

}  // namespace moe

// The files that one setting names, as text to cut runs from.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/expand_paths.h"
#include "data/split.h"
#include "data/text_run.h"

namespace moe {

class Corpus {
 public:
  // Opens the files; `cache` is data.cache. Throws RunError. Runs point into the files: who keeps a
  // run keeps the corpus.
  static std::shared_ptr<const Corpus> open(const NamedPaths& named, const std::string& cache);

  // What may be split and cut: each file by itself, or `joined`, all files as one text.
  std::vector<int64_t> text_bytes(bool joined) const;
  // Runs of these ranges over text_bytes(joined).
  std::vector<TextRun> runs(const std::vector<FileRange>& ranges, bool joined) const;

  const std::string& key() const { return key_; }
  // "'a.txt' and 2 more"
  std::string names() const;

 private:
  TextRun joined_run(int64_t begin, int64_t end) const;

  std::string key_;
  std::vector<TextFile> files_;
};

}  // namespace moe

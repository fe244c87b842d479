#include "data/open_data.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "configs/errors.h"
#include "data/expand_paths.h"
#include "data/printable.h"
#include "data/split.h"
#include "data/text_dataset.h"
#include "data/text_file.h"

namespace moe {
namespace {

// The files behind a dataset; every dataset made from them owns them together.
struct Corpus {
  std::vector<TextFile> files;

  std::vector<int64_t> file_bytes() const {
    std::vector<int64_t> bytes;
    for (const auto& file : files) bytes.push_back(file.bytes());
    return bytes;
  }
};

std::shared_ptr<const Corpus> open_files(const std::vector<std::string>& paths,
                                         const std::string& key, const std::string& cache) {
  auto corpus = std::make_shared<Corpus>();
  for (const auto& path : paths) corpus->files.emplace_back(path, key, cache);
  return corpus;
}

std::vector<TextRun> runs_of(const Corpus& corpus, const std::vector<FileRange>& ranges) {
  std::vector<TextRun> runs;
  for (const auto& range : ranges) {
    runs.push_back({corpus.files[static_cast<size_t>(range.file)].data() + range.begin,
                    range.end - range.begin});
  }
  return runs;
}

int64_t bytes_in(const std::vector<FileRange>& ranges) {
  int64_t bytes = 0;
  for (const auto& range : ranges) bytes += range.end - range.begin;
  return bytes;
}

std::string names_of(const Corpus& corpus) {
  const std::string first = in_quotes(corpus.files.front().path());
  const size_t others = corpus.files.size() - 1;
  return others == 0 ? first : first + " and " + std::to_string(others) + " more";
}

// `wanted` is the bytes of contiguous text that would do.
void require_window(bool holds, const std::string& key, const Corpus& corpus, int64_t wanted,
                    const std::string& what, int64_t length) {
  if (holds) return;
  int64_t longest = 0;
  for (const auto& file : corpus.files) longest = std::max(longest, file.bytes());
  throw RunError(key + ": " + names_of(corpus) + ": expected a file of at least " +
                 std::to_string(wanted) + " bytes for " + what + " of " + std::to_string(length) +
                 " tokens, found at most " + std::to_string(longest) +
                 "; give longer text or lower model.context");
}

}  // namespace

Datasets open_data(const DataConfig& config, int64_t length, uint64_t seed) {
  const int64_t window = length + 1;
  const auto train_paths = expand_paths(config.train, "data.train");
  const auto valid_paths = expand_paths(config.valid, "data.valid");
  require_disjoint(train_paths, valid_paths);
  const auto train_text = open_files(train_paths, "data.train", config.cache);
  auto valid_text = train_text;
  Split split;
  if (config.valid.empty()) {
    split = split_text(train_text->file_bytes(), config.valid_fraction, config.block_bytes, window);
    require_window(holds_window(split.train, window) && holds_window(split.valid, window),
                   "data.train", *train_text, 2 * window, "one training and one validation row",
                   length);
  } else {
    valid_text = open_files(valid_paths, "data.valid", config.cache);
    split = {whole_files(train_text->file_bytes()), whole_files(valid_text->file_bytes())};
    require_window(holds_window(split.train, window), "data.train", *train_text, window, "a row",
                   length);
    require_window(holds_window(split.valid, window), "data.valid", *valid_text, window, "a row",
                   length);
  }
  Datasets data;
  data.train =
      TextDataset::for_training(runs_of(*train_text, split.train), length, seed, train_text);
  data.valid = TextDataset::for_validation(runs_of(*valid_text, split.valid), length, valid_text);
  data.train_bytes = bytes_in(split.train);
  data.valid_bytes = bytes_in(split.valid);
  return data;
}

}  // namespace moe

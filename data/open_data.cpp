#include "data/open_data.h"

#include <algorithm>
#include <string>
#include <utility>

#include "configs/errors.h"
#include "data/corpus.h"
#include "data/mixed_dataset.h"
#include "data/text_dataset.h"

namespace moe {
namespace {

// What every source is read by.
struct Reading {
  const DataConfig& config;
  int64_t length;
  uint64_t seed;
  Documents documents;

  int64_t window() const { return length + 1; }
  // Rows across files need to know where one ends.
  bool joined() const { return documents.divide; }
};

struct SourceFiles {
  std::string name;
  double weight = 1;
  NamedPaths train, valid;
};

struct OpenedSource {
  std::shared_ptr<const Dataset> train, valid;
  int64_t train_bytes = 0, valid_bytes = 0;
};

std::vector<SourceFiles> find_files(const DataConfig& config) {
  const auto find = [](const std::string& name, const std::string& section, double weight,
                       const auto& from) {
    const std::string train = section + ".train", valid = section + ".valid";
    return SourceFiles{name,
                       weight,
                       {train, expand_paths(from.train, train)},
                       {valid, expand_paths(from.valid, valid)}};
  };
  if (config.sources.empty()) return {find("", "data", 1, config)};
  std::vector<SourceFiles> sources;
  for (const auto& [name, source] : config.sources) {
    sources.push_back(find(name, "data.sources." + name, source.weight, source));
  }
  return sources;
}

void check_files(const std::vector<SourceFiles>& sources) {
  std::vector<NamedPaths> lists;
  size_t files = 0;
  for (const auto& source : sources) {
    lists.push_back(source.train);
    lists.push_back(source.valid);
    files += source.train.paths.size() + source.valid.paths.size();
  }
  require_disjoint(lists);
  allow_open_files(files);
}

int64_t bytes_in(const std::vector<FileRange>& ranges) {
  int64_t bytes = 0;
  for (const auto& range : ranges) bytes += range.end - range.begin;
  return bytes;
}

// `wanted` is the bytes of contiguous text that would do.
void require_window(bool holds, const Corpus& corpus, const Reading& reading, int64_t wanted,
                    const std::string& what) {
  if (holds) return;
  const auto bytes = corpus.text_bytes(reading.joined());
  throw RunError(corpus.key() + ": " + corpus.names() + ": expected " +
                 (reading.joined() ? "text" : "a file") + " of at least " + std::to_string(wanted) +
                 " bytes for " + what + " of " + std::to_string(reading.length) +
                 " tokens, found at most " +
                 std::to_string(*std::max_element(bytes.begin(), bytes.end())) +
                 "; give longer text or lower model.context");
}

OpenedSource open_source(const SourceFiles& files, const Reading& reading) {
  const int64_t window = reading.window();
  const bool joined = reading.joined();
  const auto train_text = Corpus::open(files.train, reading.config.cache);
  auto valid_text = train_text;
  Split split;
  if (files.valid.paths.empty()) {
    split = split_text(train_text->text_bytes(joined), reading.config.valid_fraction,
                       reading.config.block_bytes, window);
    require_window(holds_window(split.train, window) && holds_window(split.valid, window),
                   *train_text, reading, 2 * window, "one training and one validation row");
  } else {
    valid_text = Corpus::open(files.valid, reading.config.cache);
    split = {whole_files(train_text->text_bytes(joined)),
             whole_files(valid_text->text_bytes(joined))};
    require_window(holds_window(split.train, window), *train_text, reading, window, "a row");
    require_window(holds_window(split.valid, window), *valid_text, reading, window, "a row");
  }
  OpenedSource source;
  source.train =
      TextDataset::for_training(train_text->runs(split.train, joined), reading.length, reading.seed,
                                train_text, reading.documents);
  source.valid = TextDataset::for_validation(valid_text->runs(split.valid, joined), reading.length,
                                             valid_text, reading.documents);
  source.train_bytes = bytes_in(split.train);
  source.valid_bytes = bytes_in(split.valid);
  return source;
}

}  // namespace

Datasets open_data(const DataConfig& config, int64_t length, uint64_t seed) {
  Reading reading{config, length, seed, {}};
  reading.documents.divide = config.documents != "none";
  if (config.documents == "separator") reading.documents.separator = config.separator;
  const auto sources = find_files(config);
  check_files(sources);
  double weights = 0;
  for (const auto& files : sources) weights += files.weight;

  Datasets data;
  std::vector<MixedDataset::Part> parts;
  for (const auto& files : sources) {
    const OpenedSource source = open_source(files, reading);
    parts.push_back({source.train, files.weight});
    data.valid.push_back({files.name, files.weight / weights, source.valid});
    data.train_bytes += source.train_bytes;
    data.valid_bytes += source.valid_bytes;
  }
  data.train = parts.size() == 1 ? parts.front().rows
                                 : std::make_shared<const MixedDataset>(std::move(parts));
  return data;
}

}  // namespace moe

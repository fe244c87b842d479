#include "data/open_data.h"

#include <algorithm>
#include <string>
#include <utility>

#include "configs/errors.h"
#include "data/corpus.h"
#include "data/mixed_dataset.h"
#include "data/objectives/denoising_dataset.h"
#include "data/text_dataset.h"
#include "data/tokenizer.h"

namespace moe {
namespace {

// What every source is read by.
struct Reading {
  const DataConfig& config;
  const ObjectiveConfig& objective;
  SpecialIds special;
  int64_t length;
  uint64_t seed;
  Documents documents;
  uint64_t source = 0;  // its number, from 0

  // Sources' rows have the same numbers: without this row n of each would have the same spans.
  uint64_t noise_key(uint64_t key) const { return source == 0 ? key : mix_bits(key, source); }
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
  std::shared_ptr<const Dataset> train;
  std::vector<ValidationRows> valid;
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

// The runs of a source, and who keeps their files.
struct RowsOfText {
  std::vector<TextRun> train;
  std::shared_ptr<const void> train_owner;
  std::vector<TextRun> valid;
  std::shared_ptr<const void> valid_owner;

  std::shared_ptr<const Dataset> training(int64_t length, uint64_t seed, const Documents& documents) const {
    return TextDataset::for_training(train, length, seed, train_owner, documents);
  }
  std::shared_ptr<const Dataset> validation(int64_t length, const Documents& documents) const {
    return TextDataset::for_validation(valid, length, valid_owner, documents);
  }
};

// What makes the examples of a denoiser, and how long the text of one is.
struct DenoiserRows {
  Denoiser denoiser;
  int64_t end_id, length, text;

  DenoiserRows(const DenoiserConfig& config, const Reading& reading)
      : denoiser(config, reading.special, reading.objective.sentinel_at_split()),
        end_id(reading.special.end),
        length(reading.length),
        text(denoiser.longest_text(reading.length + 1)) {}
  std::shared_ptr<const Dataset> over(std::shared_ptr<const Dataset> rows, uint64_t key) const {
    return std::make_shared<const DenoisingDataset>(std::move(rows), denoiser, end_id, length, key);
  }
};

std::shared_ptr<const Dataset> training_rows(const RowsOfText& text, const Reading& reading) {
  std::vector<MixedDataset::Part> parts;
  for (const auto& [name, config] : reading.objective.denoisers()) {
    const uint64_t seed = mix_bits(reading.seed, parts.size() + 1);  // its own order of the text and its own noise
    if (config.kind == "causal") {
      parts.push_back({text.training(reading.length, seed, reading.documents), config.weight});
      continue;
    }
    const DenoiserRows rows(config, reading);
    parts.push_back({rows.over(text.training(rows.text, seed, reading.documents), reading.noise_key(seed)),
                     config.weight});
  }
  if (parts.empty()) return text.training(reading.length, reading.seed, reading.documents);
  return parts.size() == 1 ? parts.front().rows : std::make_shared<const MixedDataset>(std::move(parts));
}

// Causal rows whatever the objective, so that runs of different ones can be compared; then each denoiser's.
std::vector<ValidationRows> validation_rows(const RowsOfText& text, const Reading& reading) {
  const auto denoisers = reading.objective.denoisers();
  double weights = 0;
  for (const auto& [name, config] : denoisers) weights += config.weight;
  std::vector<ValidationRows> valid;
  valid.push_back({"", 1, text.validation(reading.length, reading.documents), "causal", denoisers.empty() ? 1.0 : 0.0});
  uint64_t number = 0;  // keys the noise
  for (const auto& [name, config] : denoisers) {
    ++number;
    const double share = config.weight / weights;
    if (config.kind == "causal") {
      valid.front().weight += share;
      continue;
    }
    const DenoiserRows rows(config, reading);
    valid.push_back({"", 1, rows.over(text.validation(rows.text, reading.documents), reading.noise_key(number)), name,
                     share});
  }
  return valid;
}

Reading reading_of(const DataConfig& config, const KindChoice& objective, int64_t length, uint64_t seed) {
  const auto& chosen = objective_config(objective);
  Reading reading{config, chosen, special_ids_for(chosen, make_tokenizer(config.tokenizer)->special_ids()),
                  length, seed, {}};
  reading.documents.divide = config.documents != "none";
  if (config.documents == "separator") reading.documents.separator = config.separator;
  return reading;
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
  const RowsOfText text{train_text->runs(split.train, joined), train_text, valid_text->runs(split.valid, joined),
                        valid_text};
  OpenedSource source;
  source.train = training_rows(text, reading);
  source.valid = validation_rows(text, reading);
  source.train_bytes = bytes_in(split.train);
  source.valid_bytes = bytes_in(split.valid);
  return source;
}

}  // namespace

Datasets open_data(const DataConfig& config, const KindChoice& objective, int64_t length, uint64_t seed) {
  auto reading = reading_of(config, objective, length, seed);
  const auto sources = find_files(config);
  check_files(sources);
  double weights = 0;
  for (const auto& files : sources) weights += files.weight;

  Datasets data;
  std::vector<MixedDataset::Part> parts;
  for (const auto& files : sources) {
    OpenedSource source = open_source(files, reading);
    parts.push_back({source.train, files.weight});
    ++reading.source;
    for (auto& rows : source.valid) {
      rows.name = files.name;
      rows.share = files.weight / weights;
      data.valid.push_back(std::move(rows));
    }
    data.train_bytes += source.train_bytes;
    data.valid_bytes += source.valid_bytes;
  }
  data.train = parts.size() == 1 ? parts.front().rows
                                 : std::make_shared<const MixedDataset>(std::move(parts));
  return data;
}

std::vector<ValidationRows> rows_of_file(const std::string& path, const std::string& key, const DataConfig& config,
                                         const KindChoice& objective, int64_t length) {
  const auto file = std::make_shared<const TextFile>(path, key, config.cache);
  if (file->bytes() < length + 1) {
    throw RunError(key + ": " + in_quotes(path) + ": expected at least " + std::to_string(length + 1) +
                   " bytes, one row of the model and a target, found " + std::to_string(file->bytes()) +
                   "; give a longer text");
  }
  TextRun run;
  run.append(*file, 0, file->bytes());
  return validation_rows({{}, nullptr, {run}, file}, reading_of(config, objective, length, 0));
}

}  // namespace moe

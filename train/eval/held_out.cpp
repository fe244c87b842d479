#include "train/eval/held_out.h"

#include <algorithm>
#include <memory>

#include "configs/errors.h"
#include "configs/suggest.h"
#include "data/formats/sha256.h"
#include "data/objectives_config.h"
#include "data/open_data.h"
#include "data/printable.h"
#include "data/text_file.h"

namespace moe {
namespace {

std::string sha256_of_text(const TextFile& file) {
  constexpr int64_t kPiece = int64_t{1} << 20;
  Sha256 sum;
  std::string bytes;
  for (int64_t at = 0; at < file.bytes(); at += kPiece) {
    bytes.resize(static_cast<size_t>(std::min(kPiece, file.bytes() - at)));
    file.read(at, static_cast<int64_t>(bytes.size()), bytes.data());
    sum.update(bytes);
  }
  return sum.hex();
}

// The bytes of the longest run of tokens of one document in a row.
std::string longest_piece(const Batch& batch, int64_t row, const Tokenizer& tokenizer) {
  const auto* tokens = batch.tokens.data() + row * batch.length;
  const auto* documents = batch.segments.empty() ? nullptr : batch.segments.data() + row * batch.length;
  int64_t best = 0, best_end = 0;
  for (int64_t begin = 0, end; begin < batch.length; begin = end) {
    end = documents == nullptr
              ? batch.length
              : std::upper_bound(documents + begin, documents + batch.length, documents[begin]) - documents;
    if (end - begin > best_end - best) best = begin, best_end = end;
  }
  return tokenizer.decode({tokens + best, tokens + best_end});
}

std::string sha256_of_rows(const std::vector<ValidationRows>& sources) {
  constexpr int64_t kRows = 64;  // drawn from all of a text: another one has others
  Sha256 sum;
  for (const auto& source : sources) {
    if (source.objective != "causal") continue;
    if (source.share != 1) {
      sum.update({reinterpret_cast<const char*>(&source.share), sizeof source.share});
    }
    const auto batch = source.rows->batch(0, std::min(kRows, source.rows->rows_per_epoch()));
    for (const auto* ids : {&batch.tokens, &batch.targets}) {
      sum.update({reinterpret_cast<const char*>(ids->data()), ids->size() * sizeof(int64_t)});
    }
  }
  return sum.hex();
}

HeldOutText with_rows(std::vector<ValidationRows> rows, Json source) {
  source["rows"] = sha256_of_rows(rows);
  return {std::move(rows), std::move(source)};
}

}  // namespace

HeldOutText open_held_out(const RunConfig& config, const KindChoice& objective, const std::string& data) {
  if (!data.empty()) {
    const TextFile file(data, "--data", config.data.cache);
    return with_rows(rows_of_file(data, "--data", config.data, objective, config.model.context),
                     {{"data", printable(data)}, {"sha256", sha256_of_text(file)}, {"bytes", file.bytes()}});
  }
  try {
    const auto opened =
        open_data(config.data, objective, config.model.context, static_cast<uint64_t>(config.run.seed));
    return with_rows(opened.valid, {{"data", nullptr}, {"sha256", nullptr}, {"bytes", opened.valid_bytes}});
  } catch (const UserError& problem) {
    throw RunError(std::string(problem.what()) +
                   "\nThe run's own text is looked for as its config names it, from the folder moe-eval is called in; "
                   "--data FILE measures on another one");
  }
}

KindChoice denoisers_called(const std::string& word, const RunConfig& config) {
  const std::vector<std::string> words = {"ul2r", "ul2", "own"};
  if (std::find(words.begin(), words.end(), word) == words.end()) {
    throw ConfigError("--denoisers: expected " + join_or(words) + ", found '" + word + "'" + did_you_mean(word, words));
  }
  if (word == "own") return config.objective;
  KindChoice objective(objective_kinds(), "ul2");
  static_cast<Ul2Objective&>(*objective.config).mixture = word;
  Rules rules;
  check_objective(rules, objective, config.model.context, make_tokenizer(config.data.tokenizer)->special_ids(),
                  config.data.tokenizer);
  if (!rules.broken().empty()) {
    const auto& [key, message] = rules.broken().front();
    throw ConfigError("--denoisers " + word + ": " + key + ": " + message +
                      "; or take --denoisers own, or leave them out with --skip denoise");
  }
  return objective;
}

std::vector<std::string> held_out_pieces(const HeldOutText& text, const Tokenizer& tokenizer, int64_t items) {
  struct Source {
    const ValidationRows* rows;
    int64_t taken;
  };
  std::vector<Source> sources;
  for (const auto& source : text.rows) {
    if (source.objective == "causal") sources.push_back({&source, 0});
  }
  std::vector<std::string> pieces;
  while (static_cast<int64_t>(pieces.size()) < items) {
    // Of those that have rows left the one that is furthest behind its share.
    Source* next = nullptr;
    const auto place = [](const Source& source) { return static_cast<double>(source.taken + 1) / source.rows->share; };
    for (auto& source : sources) {
      const bool left = source.taken < source.rows->rows->rows_per_epoch();
      if (left && (next == nullptr || place(source) < place(*next))) next = &source;
    }
    if (next == nullptr) break;
    pieces.push_back(longest_piece(next->rows->rows->batch(next->taken++, 1), 0, tokenizer));
  }
  return pieces;
}

}  // namespace moe

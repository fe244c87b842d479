#include "train/eval/held_out.h"

#include <algorithm>
#include <cmath>
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

}  // namespace

HeldOutText open_held_out(const RunConfig& config, const KindChoice& objective, const std::string& data) {
  if (!data.empty()) {
    const TextFile file(data, "--data", config.data.cache);
    return {rows_of_file(data, "--data", config.data, objective, config.model.context),
            {{"data", printable(data)}, {"sha256", sha256_of_text(file)}, {"bytes", file.bytes()}}};
  }
  try {
    const auto opened =
        open_data(config.data, objective, config.model.context, static_cast<uint64_t>(config.run.seed));
    return {opened.valid, {{"data", nullptr}, {"sha256", nullptr}, {"bytes", opened.valid_bytes}}};
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
  std::vector<std::string> pieces;
  for (const auto& source : text.rows) {
    if (source.objective != "causal") continue;
    const auto share = static_cast<int64_t>(std::ceil(static_cast<double>(items) * source.share));
    const int64_t missing = items - static_cast<int64_t>(pieces.size());
    const int64_t wanted = std::min({share, missing, source.rows->rows_per_epoch()});
    for (int64_t row = 0; row < wanted; ++row) {
      pieces.push_back(longest_piece(source.rows->batch(row, 1), 0, tokenizer));
    }
  }
  return pieces;
}

}  // namespace moe

#include "train/eval/text_tasks.h"

#include <algorithm>

#include "data/permutation.h"
#include "train/eval/edit_distance.h"
#include "train/eval/likelihood.h"
#include "train/eval/snippets.h"
#include "train/infill.h"
#include "train/sampling.h"

namespace moe {
namespace {

constexpr int64_t kBytesAhead = 32;  // of a continuation

}  // namespace

Scores infilling_scores(Subject& subject, const std::vector<std::string>& pieces, int64_t blanks,
                        const std::string& mode, uint64_t seed) {
  use_threads_for_tokens(subject);
  const auto reader = subject.reader();
  DecodeOptions options;
  // Every word that can be asked for, each with its sentinel and its end.
  options.tokens = blanks * (kLongestBlank + 2);
  std::vector<double> exact, distance;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const auto text = pieces[i].substr(0, static_cast<size_t>(std::max<int64_t>(1, reader.context / 2)));
    const auto asked = blank_words(text, blanks, mix_bits(mix_bits(seed, static_cast<uint64_t>(blanks)), i));
    if (!asked) continue;
    const auto spans = infill(reader, *subject.tokenizer, asked->pieces, mode, options).spans;
    double right = 0, far = 0;
    for (size_t blank = 0; blank < spans.size(); ++blank) {
      right += spans[blank] == asked->answers[blank] ? 1 : 0;
      far += normalised_edit_distance(spans[blank], asked->answers[blank]);
    }
    exact.push_back(right / static_cast<double>(blanks));
    distance.push_back(far / static_cast<double>(blanks));
  }
  const std::string name = blanks == 1 ? "infill.single." : "infill.multiple.";
  return {{name + "exact_match", mean_score("share of blanks filled exactly", true, std::move(exact))},
          {name + "edit_distance", mean_score("normalised edit distance", false, std::move(distance))}};
}

Scores prefix_scores(Subject& subject, const std::vector<std::string>& pieces, const PromptForm& form) {
  use_threads_for_tokens(subject);
  const auto reader = subject.reader();
  const int64_t ahead = std::clamp<int64_t>(reader.context / 4, 1, kBytesAhead);
  DecodeOptions options;
  options.tokens = ahead;
  options.end = subject.tokenizer->end_id();
  options.allowed = continuation_ids(*subject.tokenizer);
  std::vector<double> exact, distance, loss;
  std::vector<AskedText> texts;
  for (const auto& piece : pieces) {
    const auto cut = cut_text(piece, reader.context / 2, ahead);
    if (!cut) continue;
    const auto given = given_prompt(*subject.tokenizer, cut->beginning, form);
    const auto made = subject.tokenizer->decode(decode(reader, given, options).ids);
    exact.push_back(first_word(made) == first_word(cut->continuation) ? 1 : 0);
    distance.push_back(normalised_edit_distance(made, cut->continuation));
    texts.push_back({given, subject.tokenizer->encode(cut->continuation)});
  }
  use_threads_for_rows(subject);
  for (const double nats : log_likelihoods(reader, texts)) loss.push_back(-nats / static_cast<double>(ahead));
  return {{"prefix.exact_match", mean_score("next word exact", true, std::move(exact))},
          {"prefix.edit_distance", mean_score("normalised edit distance", false, std::move(distance))},
          {"prefix.loss", mean_score("nats per byte", false, std::move(loss))}};
}

}  // namespace moe

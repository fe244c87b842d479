#include "train/eval/make_task.h"

#include <algorithm>
#include <optional>

#include "configs/errors.h"
#include "data/permutation.h"

namespace moe {
namespace {

constexpr size_t kInputBytes = 96, kChoiceBytes = 32;
constexpr size_t kChoices = 4;
constexpr uint64_t kOrder = 1;

struct InputAndNext {
  std::string input, next;
};

bool is_gap(const std::string& text, size_t at) {
  const auto space = [&](size_t place) { return text[place] == ' ' || text[place] == '\n' || text[place] == '\t'; };
  return at > 0 && at + 1 < text.size() && text[at] == ' ' && !space(at - 1) && !space(at + 1);
}

// The last single space in (after, last], between two words of a line; npos where there is none.
size_t last_gap(const std::string& text, size_t after, size_t last) {
  for (size_t at = last; at > after; --at) {
    if (is_gap(text, at)) return at;
  }
  return std::string::npos;
}

// From the first gap to the last one within reach, and from there to the last one again; none of the spaces are part
// of either. Whole words, so that a piece that is cut within a character is none here.
std::optional<InputAndNext> split_piece(const std::string& piece) {
  const size_t input_bytes = std::min(kInputBytes, piece.size() * 3 / 5);
  const size_t choice_bytes = std::min(kChoiceBytes, piece.size() / 5);
  size_t first = 0;
  while (first < piece.size() && !is_gap(piece, first)) ++first;
  if (first + input_bytes + choice_bytes + 2 >= piece.size()) return {};
  const size_t middle = last_gap(piece, first, first + 1 + input_bytes);
  if (middle == std::string::npos) return {};
  const size_t last = last_gap(piece, middle, middle + 1 + choice_bytes);
  if (last == std::string::npos) return {};
  return InputAndNext{piece.substr(first + 1, middle - first - 1), piece.substr(middle + 1, last - middle - 1)};
}

bool is_utf8(const std::string& text) {
  try {
    Json(text).dump();
    return true;
  } catch (const Json::type_error&) {
    return false;
  }
}

// The true one and three others in an order that says nothing; fewer where so few differ.
std::vector<std::string> drawn_choices(const std::vector<InputAndNext>& all, size_t right, uint64_t key) {
  std::vector<std::string> choices = {all[right].next};
  const Permutation others(static_cast<int64_t>(all.size()), key);
  for (size_t i = 0; i < all.size() && choices.size() < kChoices; ++i) {
    const auto& other = all[static_cast<size_t>(others(static_cast<int64_t>(i)))].next;
    if (std::find(choices.begin(), choices.end(), other) == choices.end()) choices.push_back(other);
  }
  std::vector<std::string> ordered;
  const Permutation order(static_cast<int64_t>(choices.size()), mix_bits(key, kOrder));
  for (size_t i = 0; i < choices.size(); ++i) {
    ordered.push_back(choices[static_cast<size_t>(order(static_cast<int64_t>(i)))]);
  }
  return ordered;
}

}  // namespace

Json continuation_task(const std::vector<std::string>& pieces, int64_t items, uint64_t seed) {
  std::vector<InputAndNext> all;
  for (const auto& piece : pieces) {
    if (static_cast<int64_t>(all.size()) == items) break;
    const auto made = split_piece(piece);
    if (made && is_utf8(made->input + made->next)) all.push_back(*made);
  }
  auto examples = Json::array();
  for (size_t i = 0; i < all.size(); ++i) {
    const auto choices = drawn_choices(all, i, mix_bits(seed, i));
    if (choices.size() < kChoices) continue;  // the text repeats itself
    auto scores = Json::object();
    for (const auto& choice : choices) scores[choice] = choice == all[i].next ? 1 : 0;
    examples.push_back({{"input", all[i].input}, {"target_scores", std::move(scores)}});
  }
  if (examples.empty()) {
    throw RunError("--make-task: expected text for at least " + std::to_string(kChoices) +
                   " examples with continuations that differ, found " + std::to_string(all.size()) +
                   " pieces that have words enough: give a longer text by --data, or raise --items");
  }
  return {{"name", "continuation"},
          {"description",
           "Which of these continues the text? Made of held-out text; the wrong choices are what follows other places "
           "of it."},
          {"keywords", Json::array({"multiple choice", "continuation"})},
          {"metrics", Json::array({"multiple_choice_grade"})},
          {"preferred_score", "multiple_choice_grade"},
          {"example_input_prefix", ""},
          {"example_output_prefix", " "},
          {"append_choices_to_input", false},
          {"examples", std::move(examples)}};
}

}  // namespace moe

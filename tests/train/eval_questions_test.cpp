// What moe-eval asks, and how answers become figures: blanks, cuts, tasks made of text, distances, errors.
#include <gmock/gmock.h>

#include <cmath>
#include <set>

#include "configs/errors.h"
#include "data/permutation.h"
#include "data/tokenizer.h"
#include "tests/support/temp_dir.h"
#include "train/eval/edit_distance.h"
#include "train/eval/given_ids.h"
#include "train/eval/held_out.h"
#include "train/eval/make_task.h"
#include "train/eval/score.h"
#include "train/eval/snippets.h"

namespace moe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

TEST(EditDistance, IsLevenshteins) {
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
  EXPECT_EQ(edit_distance("flaw", "lawn"), 2);
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(edit_distance("abc", ""), 3);
  EXPECT_EQ(edit_distance("ab", "ba"), 2);  // a swap is two
  EXPECT_EQ(normalised_edit_distance("kitten", "sitting"), 3.0 / 7);
  EXPECT_EQ(normalised_edit_distance("", ""), 0);
  EXPECT_EQ(normalised_edit_distance("", "abc"), 1);
}

// Against the recursion that defines it.
int64_t by_definition(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return static_cast<int64_t>(std::max(a.size(), b.size()));
  const auto rest_a = a.substr(1), rest_b = b.substr(1);
  return std::min({by_definition(rest_a, rest_b) + (a[0] == b[0] ? 0 : 1), by_definition(rest_a, b) + 1,
                   by_definition(a, rest_b) + 1});
}

TEST(EditDistance, EqualsItsDefinition) {
  for (uint64_t draw = 0; draw < 100; ++draw) {
    std::string a, b;
    for (uint64_t i = 0; i < mix_bits(draw, 1) % 6; ++i) a += static_cast<char>('a' + mix_bits(draw, 10 + i) % 3);
    for (uint64_t i = 0; i < mix_bits(draw, 2) % 6; ++i) b += static_cast<char>('a' + mix_bits(draw, 20 + i) % 3);
    EXPECT_EQ(edit_distance(a, b), by_definition(a, b)) << a << " " << b;
    EXPECT_EQ(edit_distance(a, b), edit_distance(b, a));
  }
}

TEST(Score, StandardErrorsOfSharesAndOfMeans) {
  const auto share = mean_score("accuracy", true, {1, 0, 0, 1, 1, 0, 1, 1});
  EXPECT_DOUBLE_EQ(share.value, 0.625);
  EXPECT_DOUBLE_EQ(*share.standard_error, std::sqrt(0.625 * 0.375 / 8));
  const auto other = mean_score("distance", false, {1, 2, 3, 6});
  EXPECT_DOUBLE_EQ(other.value, 3);
  EXPECT_DOUBLE_EQ(*other.standard_error, std::sqrt((4 + 1 + 0 + 9) / 3.0 / 4));
  EXPECT_FALSE(mean_score("accuracy", true, {1}).standard_error);
  EXPECT_TRUE(std::isnan(mean_score("accuracy", true, {}).value));
}

TEST(Score, JsonHasNullForWhatIsNoNumber) {
  const auto json = score_json(mean_score("distance", false, {0.5, NAN}));
  EXPECT_TRUE(json.at("value").is_null());
  EXPECT_TRUE(json.at("standard_error").is_null());
  EXPECT_EQ(json.at("n"), 2);
  EXPECT_EQ(json.at("better"), "lower");
  EXPECT_EQ(json.at("items"), Json::parse("[0.5, null]"));
}

TEST(Snippets, BlanksAreWholeWordsAwayFromTheEnds) {
  const std::string text = "cut the quick brown fox, a jumped-over-lazydogsandtheirfriends dog en";
  std::set<std::string> asked;
  for (uint64_t key = 0; key < 200; ++key) {
    const auto one = blank_words(text, 1, key);
    ASSERT_TRUE(one);
    ASSERT_THAT(one->pieces, SizeIs(2));
    EXPECT_EQ(one->pieces[0] + one->answers[0] + one->pieces[1], text);
    asked.insert(one->answers[0]);
  }
  // Not the cut ones at the ends, "a" of one byte, nor the very long one.
  EXPECT_THAT(asked, ElementsAre("brown", "dog", "fox", "jumped", "over", "quick", "the"));
}

TEST(Snippets, SeveralBlanksStayInOrder) {
  const std::string text = "it was the best of times it was the worst of times it";
  for (uint64_t key = 0; key < 50; ++key) {
    const auto three = blank_words(text, 3, key);
    ASSERT_TRUE(three);
    std::string whole = three->pieces[0];
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_FALSE(three->pieces[i].empty());
      whole += three->answers[i] + three->pieces[i + 1];
    }
    EXPECT_EQ(whole, text);
  }
  EXPECT_EQ(blank_words(text, 3, 7)->answers, blank_words(text, 3, 7)->answers);
  EXPECT_FALSE(blank_words("no two three", 2, 1));
  EXPECT_FALSE(blank_words("", 1, 1));
}

TEST(Snippets, ATextIsCutBeforeAWord) {
  const auto cut = cut_text("one two, three four", 12, 5);
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->beginning, "one two, ");
  EXPECT_EQ(cut->continuation, "three");
  // What follows must be there, all of it.
  EXPECT_EQ(cut_text("one two, three four", 100, 9)->beginning, "one two, ");
  EXPECT_EQ(cut_text("one two, three four", 100, 11)->beginning, "one ");
  EXPECT_FALSE(cut_text("oneword", 100, 2));
  EXPECT_FALSE(cut_text("one two", 3, 2));
  EXPECT_FALSE(cut_text("ab", 10, 5));
  EXPECT_EQ(first_word("th\xc3\xa9 x"), "th\xc3\xa9");
  EXPECT_EQ(first_word(" x"), "");
}

std::vector<std::string> pieces_of_text(size_t count) {
  std::vector<std::string> pieces;
  for (uint64_t i = 0; i < count; ++i) {
    std::string piece;
    for (uint64_t word = 0; word < 40; ++word) piece += "w" + std::to_string(mix_bits(i, word) % 1000) + " ";
    pieces.push_back(piece);
  }
  return pieces;
}

// Rows of one letter.
class OneLetter : public Dataset {
 public:
  OneLetter(char letter, int64_t rows) : letter_(letter), rows_(rows) {}
  Batch batch(int64_t, int64_t rows) const override {
    Batch batch;
    batch.rows = rows;
    batch.length = 4;
    batch.tokens.assign(static_cast<size_t>(rows * 4), letter_);
    return batch;
  }
  int64_t rows_per_epoch() const override { return rows_; }

 private:
  char letter_;
  int64_t rows_;
};

TEST(HeldOutPieces, SourcesTakeTurnsByShareAndAShortOneIsMadeUpFor) {
  const auto tokenizer = make_tokenizer("byte");
  HeldOutText text;
  text.rows.push_back({"a", 0.25, std::make_shared<OneLetter>('a', 100), "causal", 1});
  text.rows.push_back({"a", 0.25, std::make_shared<OneLetter>('x', 100), "s", 1});
  text.rows.push_back({"b", 0.75, std::make_shared<OneLetter>('b', 5), "causal", 1});
  const auto letters = [&](int64_t items) {
    std::string all;
    for (const auto& piece : held_out_pieces(text, *tokenizer, items)) all += piece.substr(0, 1);
    return all;
  };
  EXPECT_EQ(letters(4), "bbab");  // of equal places the first source
  EXPECT_EQ(letters(8), "bbabbbaa");
  EXPECT_EQ(letters(1000).size(), 105u);
}

TEST(MakeTask, ChoicesAreWhatFollowsHereAndElsewhere) {
  const auto pieces = pieces_of_text(20);
  const auto task = continuation_task(pieces, 15, 1);
  EXPECT_EQ(task.dump(), continuation_task(pieces, 15, 1).dump());
  EXPECT_NE(task.dump(), continuation_task(pieces, 15, 2).dump());
  const auto& examples = task.at("examples");
  ASSERT_EQ(examples.size(), 15u);
  std::set<size_t> places;
  for (size_t i = 0; i < examples.size(); ++i) {
    const std::string input = examples[i].at("input");
    const auto& scores = examples[i].at("target_scores");
    ASSERT_EQ(scores.size(), 4u);
    EXPECT_LE(input.size(), 96u);
    double sum = 0;
    size_t place = 0;
    for (const auto& [choice, score] : scores.items()) {
      sum += score.get<double>();
      EXPECT_LE(choice.size(), 33u);
      const bool here = pieces[i].find(input + " " + choice + " ") != std::string::npos;
      EXPECT_EQ(here, score == 1) << choice;
      if (score == 1) places.insert(place);
      ++place;
      EXPECT_TRUE(std::any_of(pieces.begin(), pieces.end(),
                              [&](const auto& piece) { return piece.find(choice) != std::string::npos; }));
    }
    EXPECT_EQ(sum, 1);
  }
  EXPECT_THAT(places, SizeIs(4));  // the right one is anywhere
}

// Lines that are indented or end early are cut elsewhere.
TEST(MakeTask, CutsBetweenWordsOfALine) {
  std::vector<std::string> pieces;
  for (uint64_t i = 0; i < 12; ++i) {
    std::string piece;
    for (uint64_t word = 0; word < 40; ++word) {
      piece += "w" + std::to_string(mix_bits(i, word) % 1000) + (word % 4 == 3 ? "\n     " : " ");
    }
    pieces.push_back(piece);
  }
  const auto task = continuation_task(pieces, 12, 1);
  ASSERT_EQ(task.at("examples").size(), 12u);
  for (const auto& example : task.at("examples")) {
    for (const auto& [choice, score] : example.at("target_scores").items()) {
      EXPECT_EQ(choice.front(), 'w');
      EXPECT_NE(choice.back(), ' ');
    }
    const std::string input = example.at("input");
    EXPECT_TRUE(std::isdigit(static_cast<unsigned char>(input.back()))) << input;
  }
}

TEST(MakeTask, LeavesOutWhatCannotBeAsked) {
  auto pieces = pieces_of_text(8);
  pieces[2] = std::string(200, 'x');                    // no word ends
  pieces[3][20] = '\xff';                               // no UTF-8
  EXPECT_EQ(continuation_task(pieces, 100, 1).at("examples").size(), 6u);
  EXPECT_THAT(message_of<RunError>([&] { continuation_task(pieces_of_text(3), 100, 1); }),
              HasSubstr("--make-task: expected text for at least 4 examples"));
  EXPECT_THAT(message_of<RunError>([&] { continuation_task(std::vector<std::string>(9, pieces[0]), 100, 1); }),
              HasSubstr("that differ, found 9 pieces"));
}

class GivenIds : public testing::Test {
 protected:
  Batch read(const std::string& text) const { return read_token_ids(files_.write_file("ids.json", text), 512, 4); }
  // What the message says after the file's name.
  std::string refusal(const std::string& text) const {
    const auto message = message_of<RunError>([&] { read(text); });
    const std::string begin = "--token-ids: '" + files_.file("ids.json") + "': ";
    EXPECT_THAT(message, testing::StartsWith(begin));
    return message.substr(std::min(message.size(), begin.size()));
  }
  TempDir files_;
};

TEST_F(GivenIds, RowsAloneAndWithMore) {
  const auto plain = read(" [[1, 2, 3], [511, 0, 256]]\n");
  EXPECT_EQ(plain.rows, 2);
  EXPECT_EQ(plain.length, 3);
  EXPECT_THAT(plain.tokens, ElementsAre(1, 2, 3, 511, 0, 256));
  EXPECT_TRUE(plain.prefix.empty() && plain.positions.empty() && plain.segments.empty());
  const auto more = read(R"({"token_ids": [[1, 2], [3, 4]], "prefix": [0, 2], "positions": [[0, 1], [2, 3]],
                             "segments": [[0, 0], [0, 1]]})");
  EXPECT_THAT(more.prefix, ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(more.positions, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(more.segments, ElementsAre(0, 0, 0, 1));
  EXPECT_THAT(read(R"({"token_ids": [[1, 2], [3, 4]], "prefix": 1})").prefix, ElementsAre(1, 0, 1, 0));
}

TEST_F(GivenIds, WhatDoesNotFitIsNamed) {
  EXPECT_EQ(refusal("[[1, 2], [3]]"), "token_ids[1]: expected as many numbers as the first row has, 2, found '1'");
  EXPECT_EQ(refusal("[[1, 512]]"), "token_ids[0][1]: expected a whole number from 0 to 511, found '512'");
  EXPECT_EQ(refusal("[[1, -1]]"), "token_ids[0][1]: expected a whole number from 0 to 511, found '-1'");
  EXPECT_EQ(refusal("[[1, 2.5]]"), "token_ids[0][1]: expected a whole number from 0 to 511, found '2.5'");
  EXPECT_EQ(refusal("[]"), "token_ids: expected a list of rows, found '[]'");
  EXPECT_EQ(refusal("[[]]"), "token_ids[0]: expected a row of numbers, found '[]'");
  EXPECT_EQ(refusal("[[1, 2, 3, 4, 5]]"), "token_ids[0]: expected at most 4 numbers, the context, found '5'");
  EXPECT_EQ(refusal(R"({"prefix": 1})"), "token_ids: expected a list of rows, found none");
  EXPECT_EQ(refusal(R"({"token_ids": [[1]], "prefix": [1, 1]})"),
            "prefix: expected a number, or one of each of the 1 rows, found '[1,1]'");
  EXPECT_EQ(refusal(R"({"token_ids": [[1]], "prefix": 2})"), "prefix: expected a whole number from 0 to 1, found '2'");
  EXPECT_EQ(refusal(R"({"token_ids": [[1]], "segments": [[1], [1]]})"),
            "segments: expected 1 rows, as token_ids has, found '2'");
  EXPECT_THAT(refusal(R"({"token_ids": [[1]], "postions": [[0]]})"), HasSubstr("(did you mean 'positions'?)"));
  EXPECT_THAT(refusal("7"), HasSubstr("expected a JSON object"));
}

}  // namespace
}  // namespace moe

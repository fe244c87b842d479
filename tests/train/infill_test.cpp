// What fills the blanks of a text.
#include "train/infill.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <stdexcept>

#include "configs/config_io.h"
#include "data/byte_tokenizer.h"
#include "tests/support/gates.h"
#include "tests/support/temp_dir.h"
#include "train/sampling.h"

namespace moe {
namespace {

using testing::HasSubstr;

constexpr int64_t kS0 = 511, kS1 = 510, kS2 = 509, kEnd = ByteTokenizer::kEnd, kNlg = 259;
const ByteTokenizer kBytes{};

using Spans = std::vector<std::string>;

class Infill : public testing::Test {
 protected:
  Infill() {
    config_ = parse_config<RunConfig>("data: {train: a.txt}\ntrain: {batch_tokens: 24}\n"
                                      "model: {d_model: 16, layers: 2, heads: 2, context: 24, "
                                      "active_width: 24, moe: {experts: 4, gate: top_k}}\n")
                  .model;
    model_ = build_model(config_, ByteTokenizer::kVocabulary, Initializer(1, at::kDouble));
    spread_parameters(*model_.decoder, 0.5);
  }
  Reader reader() { return {model_, config_.context, at::kCPU, 1, true}; }
  // By a model that always writes the same id.
  Infilled filled_by_one(int64_t id, const Spans& pieces, int64_t tokens) {
    auto model = build_model(config_, ByteTokenizer::kVocabulary, Initializer(1, at::kDouble));
    at::NoGradGuard no_grad;
    for (auto& item : model.decoder->named_parameters()) {
      if (item.key() == "embedding") {
        item.value().zero_();
        item.value().select(1, 0).fill_(1);
        item.value()[id].select(0, 0).fill_(9);
      } else if (item.key().find("norm") == std::string::npos) {
        item.value().zero_();
      }
    }
    DecodeOptions options;
    options.tokens = tokens;
    return infill({model, config_.context, at::kCPU, 1, true}, kBytes, pieces, "none", options);
  }

  ModelConfig config_;
  Model model_;
};

// The same by hand, blank after blank.
TEST_F(Infill, GivesAPrefixOfPiecesAndSentinelsAsInTraining) {
  const std::vector<int64_t> given = {kNlg, 'a', 'b', kS0, 'c', kS1, 'd', kEnd};
  DecodeOptions options;
  options.tokens = 12;
  options.temperature = 0.9;
  const auto spans_after = [&](const std::vector<int64_t>& prompt, int64_t prefix, int64_t sample) {
    auto plain = options;
    plain.sample = sample;
    plain.end = kEnd;
    plain.allowed = continuation_ids(kBytes);
    for (int64_t sentinel = 260; sentinel <= 511; ++sentinel) {
      plain.allowed.push_back(sentinel);
      plain.stops.push_back(sentinel);
    }
    std::vector<int64_t> ids = {kS0};
    std::vector<int64_t> second_begins = {kS1};
    Spans spans;
    int64_t left = 11;
    for (const int64_t share : {2, 1}) {
      plain.tokens = left / share;
      plain.first_place = static_cast<int64_t>(ids.size());
      auto all = prompt;
      all.insert(all.end(), ids.begin(), ids.end());
      auto span = decode(reader(), {all, prefix}, plain).ids;
      if (!span.empty() && span.back() >= 256) span.pop_back();
      spans.push_back(kBytes.decode(span));
      ids.insert(ids.end(), span.begin(), span.end());
      left -= static_cast<int64_t>(span.size()) + 1;
      ids.insert(ids.end(), second_begins.begin(), second_begins.end());
      second_begins.clear();
    }
    return std::pair(ids, spans);
  };
  int of_causal = 0, of_modeless = 0;
  for (int64_t sample = 0; sample < 10; ++sample) {
    options.sample = sample;
    const auto found = infill(reader(), kBytes, {"ab", "c", "d"}, "nlg", options);
    const auto [ids, spans] = spans_after(given, 8, sample);
    EXPECT_EQ(found.ids, ids) << sample;
    EXPECT_EQ(found.spans, spans) << sample;
    of_causal += found.ids == spans_after(given, 0, sample).first;
    of_modeless += found.ids == spans_after({given.begin() + 1, given.end()}, 7, sample).first;
  }
  // A causal prompt, or one without its mode, is answered otherwise.
  EXPECT_LT(of_causal, 5);
  EXPECT_LT(of_modeless, 5);
}

TEST_F(Infill, EveryBlankHasItsShareAndIsClosedByAnySentinel) {
  const auto filled_by = [this](int64_t id) { return filled_by_one(id, {"a", "b", "c"}, 9); };
  const auto letters = filled_by('x');
  EXPECT_EQ(letters.spans, (Spans{"xxxx", "xxx"})) << "of nine ids two are sentinels";
  EXPECT_EQ(letters.ids, (std::vector<int64_t>{kS0, 'x', 'x', 'x', 'x', kS1, 'x', 'x', 'x'}));
  EXPECT_FALSE(letters.ended);
  for (const int64_t closing : {kS0, kS2, kEnd, int64_t{300}}) {
    const auto closed = filled_by(closing);
    EXPECT_EQ(closed.spans, (Spans{"", ""})) << closing;
    EXPECT_EQ(closed.ids, (std::vector<int64_t>{kS0, kS1}));
    EXPECT_TRUE(closed.ended);
  }
}

TEST_F(Infill, WritesNoMoreThanThereIsRoomFor) {
  EXPECT_EQ(filled_by_one('x', {"twelve", "tokens"}, 1000).ids.size(), 24u - 14 + 1);
  const auto full = filled_by_one('x', {"twelve tokens a", "nd", "fgh"}, 1000);
  EXPECT_EQ(full.ids, (std::vector<int64_t>{kS0, kS1})) << "room for no more";
  EXPECT_EQ(full.spans, (Spans{"", ""}));
  EXPECT_FALSE(full.ended);
}

TEST_F(Infill, FillsATextThatIsNothingButABlank) {
  DecodeOptions options;
  options.tokens = 3;
  EXPECT_THAT(infill(reader(), kBytes, {"", ""}, "none", options).spans, testing::SizeIs(1));
}

TEST_F(Infill, RefusesWhatDoesNotFit) {
  const auto message = [&](const Spans& pieces, const std::string& mode) {
    return message_of<ConfigError>([&] { infill(reader(), kBytes, pieces, mode, {}); });
  };
  EXPECT_EQ(message(Spans(254), "none"),
            "infill: expected at most 252 blanks, as many as the vocabulary has sentinels, found 253: fill them part "
            "by part");
  EXPECT_EQ(message({std::string(20, 'x'), "abc"}, "none"),
            "infill: expected a text of fewer than 24 tokens with its blanks, the model's context, found 25: leave out "
            "what is far from the blanks");
  EXPECT_THAT(message({"a", "b"}, "nlp"), HasSubstr("found 'nlp'"));
  EXPECT_THROW(infill(reader(), kBytes, {"no blank"}, "none", {}), std::invalid_argument);
}

}  // namespace
}  // namespace moe

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

TEST(WrittenSpans, AreTheBytesBehindTheirSentinels) {
  EXPECT_EQ(written_spans(kBytes, {kS0, 'a', 'b', kS1, 'c', kEnd}, 2), (Spans{"ab", "c"}));
  EXPECT_EQ(written_spans(kBytes, {kS1, 'c', kS0, 'a', 'b', kEnd}, 2), (Spans{"ab", "c"})) << "in any order";
  EXPECT_EQ(written_spans(kBytes, {kS1, 'c'}, 3), (Spans{"", "c", ""})) << "what is missing is empty";
  EXPECT_EQ(written_spans(kBytes, {kS0, 'a', kS2, 'x', kS1, 'c'}, 2), (Spans{"a", "c"})) << "another's sentinel";
  EXPECT_EQ(written_spans(kBytes, {'x', kS0, 'a', kEnd, 'y', kS1, 'z'}, 2), (Spans{"a", ""})) << "before and behind";
  EXPECT_EQ(written_spans(kBytes, {kS0, 'a', kS0, 'b', kS1, 'c'}, 2), (Spans{"a", "c"})) << "twice";
  EXPECT_EQ(written_spans(kBytes, {kS0, kS1, 0xC3, 0xA4}, 2), (Spans{"", "\xC3\xA4"}));
  EXPECT_EQ(written_spans(kBytes, {}, 1), Spans{""});
}

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

  ModelConfig config_;
  Model model_;
};

TEST_F(Infill, GivesAPrefixOfPiecesAndSentinelsAsInTraining) {
  DecodeOptions options;
  options.tokens = 12;
  options.temperature = 0.9;
  int of_causal = 0, of_modeless = 0;
  for (int64_t sample = 0; sample < 10; ++sample) {
    options.sample = sample;
    const auto found = infill(reader(), kBytes, {"ab", "c", ""}, "nlg", options);
    auto plain = options;
    plain.end = kEnd;
    plain.stops = {kS2};
    plain.allowed = continuation_ids(kBytes);
    plain.allowed.insert(plain.allowed.end(), {kS2, kS1, kS0});
    const auto expected = decode(reader(), {{kNlg, 'a', 'b', kS0, 'c', kS1}, 6}, plain);
    EXPECT_EQ(found.ids, expected.ids) << sample;
    EXPECT_EQ(found.ended, expected.ended);
    EXPECT_EQ(found.spans, written_spans(kBytes, found.ids, 2));
    of_causal += found.ids == decode(reader(), {{kNlg, 'a', 'b', kS0, 'c', kS1}, 0}, plain).ids ? 1 : 0;
    of_modeless += found.ids == decode(reader(), {{'a', 'b', kS0, 'c', kS1}, 5}, plain).ids ? 1 : 0;
  }
  // A causal prompt, or one without its mode, is answered otherwise.
  EXPECT_LT(of_causal, 5);
  EXPECT_LT(of_modeless, 5);
}

TEST_F(Infill, WritesNoMoreThanThereIsRoomFor) {
  DecodeOptions options;
  options.tokens = 1000;
  options.temperature = 1;
  size_t most = 0;
  for (options.sample = 0; options.sample < 5; ++options.sample) {
    most = std::max(most, infill(reader(), kBytes, {"twelve", "tokens"}, "none", options).ids.size());
  }
  EXPECT_EQ(most, 24u - 13 + 1);
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
            "infill: expected a text of fewer than 24 tokens with its blanks, the model's context, found 24: leave out "
            "what is far from the blanks");
  EXPECT_THAT(message({"a", "b"}, "nlp"), HasSubstr("found 'nlp'"));
  EXPECT_THROW(infill(reader(), kBytes, {"no blank"}, "none", {}), std::invalid_argument);
}

}  // namespace
}  // namespace moe

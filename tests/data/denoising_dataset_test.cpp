#include "data/objectives/denoising_dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "data/attention_pairs.h"
#include "data/byte_tokenizer.h"
#include "data/open_data.h"
#include "tests/support/temp_dir.h"

namespace moe {
namespace {

using testing::ElementsAre;

const SpecialIds kSpecial = ByteTokenizer::ids();

DenoiserConfig spans(double mean, double rate, const std::string& mode = "none") {
  return {"span_corruption", mean, rate, 1, mode};
}
DenoiserConfig prefix(const std::string& mode = "none") { return {"prefix", 3, 0.15, 1, mode}; }

// The text that an example was made of: spans back into the place of their sentinels.
std::vector<int64_t> text_of(const std::vector<int64_t>& ids, int64_t inputs, const SpecialIds& special) {
  std::vector<std::vector<int64_t>> spans;
  std::vector<int64_t> text, rest;
  for (size_t i = static_cast<size_t>(inputs); i < ids.size(); ++i) {
    if (ids[i] == special.end) break;
    if (special.span_of(ids[i]) >= 0) {
      EXPECT_EQ(special.span_of(ids[i]), static_cast<int64_t>(spans.size())) << "in order";
      spans.emplace_back();
    } else {
      (spans.empty() ? rest : spans.back()).push_back(ids[i]);
    }
  }
  for (int64_t i = 0; i < inputs; ++i) {
    const int64_t id = ids[static_cast<size_t>(i)], span = special.span_of(id);
    if (span >= 0) {
      text.insert(text.end(), spans[static_cast<size_t>(span)].begin(), spans[static_cast<size_t>(span)].end());
    } else if (id < ByteTokenizer::kBytes) {
      text.push_back(id);
    }
  }
  text.insert(text.end(), rest.begin(), rest.end());
  return text;
}

TEST(Denoiser, GivesBackItsText) {
  for (const auto& config : {spans(3, 0.15), spans(3, 0.5, "nlg"), spans(64, 0.5), spans(1, 0.8), prefix("s2s")}) {
    const Denoiser denoiser(config, kSpecial, false);
    for (int64_t length = 2; length < 150; ++length) {
      std::vector<int64_t> text(static_cast<size_t>(length));
      std::iota(text.begin(), text.end(), 50);
      Draws draws(static_cast<uint64_t>(length));
      const auto made = denoiser.example(text.data(), length, draws);
      ASSERT_EQ(text_of(made.ids, made.inputs, kSpecial), text);
      ASSERT_EQ(made.ids.back(), kSpecial.end);
      const bool moded = config.mode != "none";
      ASSERT_EQ(made.ids[0], moded ? kSpecial.mode(config.mode) : text[0]) << "the first token stays";
      const bool cut = config.kind == "span_corruption";  // its inputs have an end too
      ASSERT_EQ(static_cast<int64_t>(made.ids.size()),
                length + 1 + (moded ? 1 : 0) + (cut ? 1 : 0) + 2 * denoiser.sentinels_for(length));
      ASSERT_EQ(made.ids[static_cast<size_t>(made.inputs - 1)] == kSpecial.end, cut);
      ASSERT_GE(denoiser.longest_text(static_cast<int64_t>(made.ids.size())), length);
    }
  }
}

TEST(Denoiser, CountsSentinelsDownAndEndsAPrefixWithOneWhereAsked) {
  const auto u_palm = SpecialIds::last_of(1000, 100, 1);
  EXPECT_EQ(u_palm.sentinel(0), 999);
  EXPECT_EQ(u_palm.sentinel(99), 900);
  EXPECT_EQ(u_palm.span_of(900), 99);
  EXPECT_EQ(u_palm.span_of(899), -1);
  const std::vector<int64_t> text = {10, 11};
  Draws draws(1);
  EXPECT_THAT(Denoiser(spans(3, 0.5), u_palm, false).example(text.data(), 2, draws).ids,
              ElementsAre(10, 999, 1, 999, 11, 1));
  EXPECT_THAT(Denoiser(prefix(), u_palm, false).example(text.data(), 2, draws).ids, ElementsAre(10, 11, 1));
  const auto split = Denoiser(prefix(), u_palm, true).example(text.data(), 2, draws);
  EXPECT_THAT(split.ids, ElementsAre(10, 999, 11, 1));
  EXPECT_EQ(split.inputs, 2);
}

TEST(Denoiser, SplitsAPrefixAnywhere) {
  const std::vector<int64_t> text(9, 65);
  std::vector<double> seen(10);
  for (uint64_t i = 0; i < 8000; ++i) {
    Draws draws(i);
    ++seen[static_cast<size_t>(Denoiser(prefix(), kSpecial, false).example(text.data(), 9, draws).inputs)];
  }
  EXPECT_EQ(seen[0] + seen[9], 0);
  double chi = 0;
  for (size_t split = 1; split < 9; ++split) chi += (seen[split] - 1000) * (seen[split] - 1000) / 1000;
  EXPECT_LT(chi, 24.32) << "99.9 % of chi-square, 7 degrees of freedom";
}

// Text whose rows are 0, 1, 2, ... and whose documents end where told.
class Letters : public Dataset {
 public:
  Letters(int64_t length, std::vector<int64_t> ends) : length_(length), ends_(std::move(ends)) {}
  Batch batch(int64_t first, int64_t rows) const override {
    Batch batch;
    batch.rows = rows;
    batch.length = length_;
    for (int64_t row = first; row < first + rows; ++row) {
      int64_t document = 0;
      for (int64_t i = 0; i < length_; ++i) {
        batch.tokens.push_back((row + i) % 256);
        if (document < static_cast<int64_t>(ends_.size()) && ends_[static_cast<size_t>(document)] == i) ++document;
        if (!ends_.empty()) batch.segments.push_back(document);
      }
    }
    return batch;
  }
  int64_t rows_per_epoch() const override { return 5; }

 private:
  int64_t length_;
  std::vector<int64_t> ends_;
};

DenoisingDataset dataset(const DenoiserConfig& config, int64_t length, std::vector<int64_t> ends = {}) {
  const Denoiser denoiser(config, kSpecial, false);
  return DenoisingDataset(std::make_shared<Letters>(denoiser.longest_text(length + 1), std::move(ends)), denoiser,
                          kSpecial.end, length, 3);
}

// The examples of a row, as ids with their last one and the number of inputs, from what is fed and scored alone.
struct Fed {
  std::vector<int64_t> ids;
  int64_t inputs = 0;
};
std::vector<Fed> examples_of(const Batch& batch, int64_t row) {
  std::vector<Fed> examples;
  for (int64_t i = 0; i < batch.length; ++i) {
    const auto at = static_cast<size_t>(row * batch.length + i);
    if (!batch.valid.empty() && batch.valid[at] == 0) {
      EXPECT_EQ(batch.targets[at], Batch::kNoTarget);
      continue;
    }
    if (batch.positions[at] == 0) examples.emplace_back();
    auto& example = examples.back();
    EXPECT_EQ(batch.segments[at], static_cast<int64_t>(examples.size()) - 1);
    EXPECT_EQ(batch.positions[at], static_cast<int64_t>(example.ids.size()));
    if (example.inputs < batch.positions[at]) {
      EXPECT_EQ(batch.prefix[at], 0) << "only first tokens are inputs";
    }
    if (!example.ids.empty() && batch.targets[at - 1] != Batch::kNoTarget) {
      EXPECT_EQ(batch.targets[at - 1], batch.tokens[at]);
    }
    example.ids.push_back(batch.tokens[at]);
    if (batch.prefix[at] == 1) ++example.inputs;
    const bool scored = batch.targets[at] != Batch::kNoTarget;
    const bool last_input = i + 1 >= batch.length || batch.prefix[at + 1] == 0 || batch.positions[at + 1] == 0;
    EXPECT_EQ(scored, batch.prefix[at] == 0 || last_input) << "the last input predicts the first target";
    const bool ends = i + 1 >= batch.length || batch.positions[at + 1] == 0 ||
                      (!batch.valid.empty() && batch.valid[at + 1] == 0);
    if (ends) {
      EXPECT_EQ(batch.targets[at], kSpecial.end);
      example.ids.push_back(kSpecial.end);
    }
  }
  return examples;
}

TEST(DenoisingDataset, FillsRowsOfOneDocument) {
  for (const auto& config : {spans(3, 0.15, "nlu"), spans(32, 0.5, "nlg"), prefix("s2s"), prefix()}) {
    const auto rows = dataset(config, 128);
    const auto batch = rows.batch(0, 6);
    int64_t scored = 0;
    for (const int64_t target : batch.targets) scored += target != Batch::kNoTarget;
    EXPECT_EQ(scored, batch.target_tokens);
    for (int64_t row = 0; row < 6; ++row) {
      const auto examples = examples_of(batch, row);
      ASSERT_EQ(examples.size(), 1u);
      EXPECT_GE(examples[0].ids.size(), 127u) << "two ids short at most, where a token more needs a span more";
      const auto text = text_of(examples[0].ids, examples[0].inputs, kSpecial);
      EXPECT_EQ(text.front(), row % 256);
      EXPECT_EQ(static_cast<int64_t>(text.size()), Denoiser(config, kSpecial, false).longest_text(129));
    }
  }
}

TEST(DenoisingDataset, KeepsDocumentsApart) {
  const auto rows = dataset(spans(3, 0.15, "nlu"), 128, {1, 30, 31, 70});
  const auto batch = rows.batch(0, 4);
  for (int64_t row = 0; row < 4; ++row) {
    const auto examples = examples_of(batch, row);
    ASSERT_EQ(examples.size(), 3u) << "documents of one token have nothing to predict";
    const auto expect = [&](size_t i, int64_t begin, int64_t end) {
      std::vector<int64_t> text;
      for (int64_t place = begin; place < end; ++place) text.push_back((row + place) % 256);
      EXPECT_EQ(text_of(examples[i].ids, examples[i].inputs, kSpecial), text);
    };
    expect(0, 1, 30);
    expect(1, 31, 70);
    const auto last = text_of(examples[2].ids, examples[2].inputs, kSpecial);
    EXPECT_EQ(last.front(), row + 70);
    EXPECT_GT(last.size(), 30u) << "as much of it as fits";
  }
}

TEST(DenoisingDataset, ARowIsAFunctionOfItsNumber) {
  const auto rows = dataset(spans(3, 0.15), 64);
  const auto all = rows.batch(0, 12);
  for (int64_t row = 0; row < 12; ++row) {
    const auto one = rows.batch(row, 1);
    EXPECT_TRUE(std::equal(one.tokens.begin(), one.tokens.end(), all.tokens.begin() + row * 64));
    EXPECT_TRUE(std::equal(one.targets.begin(), one.targets.end(), all.targets.begin() + row * 64));
    EXPECT_TRUE(std::equal(one.prefix.begin(), one.prefix.end(), all.prefix.begin() + row * 64));
  }
  const auto places = [&](int64_t row) {
    std::vector<int64_t> found;
    for (int64_t i = 0; i < 64; ++i) {
      if (kSpecial.span_of(all.tokens[static_cast<size_t>(row * 64 + i)]) >= 0) found.push_back(i);
    }
    return found;
  };
  EXPECT_NE(places(0), places(1)) << "other rows have other noise";
}

// Pairs that the mask of layers/attention_mask.h allows, one by one.
int64_t pairs_one_by_one(const Batch& batch) {
  int64_t pairs = 0;
  const auto S = static_cast<size_t>(batch.length);
  for (size_t row = 0; row < static_cast<size_t>(batch.rows); ++row) {
    for (size_t q = row * S; q < (row + 1) * S; ++q) {
      for (size_t k = row * S; k < (row + 1) * S; ++k) {
        const bool valid = batch.valid.empty() || (batch.valid[q] == 1 && batch.valid[k] == 1);
        const bool both = !batch.prefix.empty() && batch.prefix[q] == 1 && batch.prefix[k] == 1;
        const bool same = batch.segments.empty() || batch.segments[q] == batch.segments[k];
        pairs += valid && same && (k <= q || both);
      }
    }
  }
  return pairs;
}

TEST(AttentionPairs, EqualTheMask) {
  for (const auto& ends : {std::vector<int64_t>{}, {1, 30, 31, 70}}) {
    const auto batch = dataset(spans(3, 0.5, "nlg"), 100, ends).batch(0, 3);
    EXPECT_EQ(allowed_pairs(batch), pairs_one_by_one(batch));
    EXPECT_EQ(executed_pairs(batch), 3 * 100 * 100);
  }
  Batch plain;
  plain.rows = 2;
  plain.length = 7;
  EXPECT_EQ(allowed_pairs(plain), 2 * 28);
  EXPECT_EQ(executed_pairs(plain), 2 * 28);
}

TEST(OpenDataObjectives, MixesByWeightAndValidatesEachDenoiserAndPlainText) {
  TempDir folder;
  std::string text;
  for (int i = 0; i < 20000; ++i) text += std::to_string(i) + (i % 7 == 0 ? "\n\n" : " ");
  DataConfig config;
  config.train = {folder.write_file("a.txt", text)};
  config.cache = folder.path();
  const KindChoice ul2r(objective_kinds(), "ul2"), causal(objective_kinds(), "causal");
  for (const std::string documents : {"none", "separator"}) {
    config.documents = documents;
    const auto data = open_data(config, ul2r, 64, 1), plain = open_data(config, causal, 64, 1);
    const auto batch = data.train->batch(0, 800);
    std::map<int64_t, int64_t> modes;
    for (int64_t row = 0; row < 800; ++row) ++modes[batch.tokens[static_cast<size_t>(row * 64)]];
    EXPECT_EQ(modes[kSpecial.mode("s2s")], 400);
    EXPECT_EQ(modes[kSpecial.mode("nlu")], 200);
    EXPECT_EQ(modes[kSpecial.mode("nlg")], 200);
    std::vector<std::string> objectives;
    double weights = 0;
    for (const auto& rows : data.valid) {
      objectives.push_back(rows.objective);
      weights += rows.weight;
    }
    EXPECT_THAT(objectives, ElementsAre("causal", "s", "r_3_15", "x_32_15", "x_32_50"));
    EXPECT_DOUBLE_EQ(weights, 1);
    EXPECT_EQ(data.valid[0].rows->batch(0, 5).tokens, plain.valid[0].rows->batch(0, 5).tokens)
        << "the same text validates every objective";
    EXPECT_EQ(data.valid_bytes, plain.valid_bytes);
    const double packing = batch.valid.empty() ? 1 : std::accumulate(batch.valid.begin(), batch.valid.end(), 0.0) /
                                                         static_cast<double>(batch.valid.size());
    EXPECT_GT(packing, documents == "none" ? 0.98 : 0.9);
  }
}

}  // namespace
}  // namespace moe

#include "data/objectives/span_sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>

namespace moe {
namespace {

// The 99.9 % point of chi-square with that many degrees of freedom (Wilson and Hilferty 1931).
double chi_square_999(double degrees) {
  const double part = 2 / (9 * degrees);
  return degrees * std::pow(1 - part + 3.0902 * std::sqrt(part), 3);
}

double log_choose(int64_t n, int64_t k) {
  return std::lgamma(n + 1.0) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0);
}

// How far lengths are from the closed form P(l) = C(n-l-1, s-2) / C(n-1, s-1), over the 99.9 % point: above 1 says
// no. Lengths that are expected fewer than ten times are taken together.
double misfit(int64_t noise, int64_t spans, const std::function<int64_t(Draws&)>& length_of_one) {
  constexpr int64_t kDraws = 40000;
  std::map<int64_t, double> seen;
  for (int64_t i = 0; i < kDraws; ++i) {
    Draws draws(static_cast<uint64_t>(i));
    ++seen[length_of_one(draws)];
  }
  double chi = 0, degrees = -1, expected = 0, found = 0;
  for (int64_t length = 1; length <= noise - spans + 1; ++length) {
    expected += kDraws * std::exp(log_choose(noise - length - 1, spans - 2) - log_choose(noise - 1, spans - 1));
    found += seen[length];
    if (expected >= 10 || length == noise - spans + 1) {
      chi += (found - expected) * (found - expected) / expected;
      degrees += 1;
      expected = found = 0;
    }
  }
  return chi / chi_square_999(degrees);
}

TEST(SpanCounts, EqualT5ForAllLengths) {
  // Sums over lengths 1 to 2048, and a hash of all: made with NumPy's float32 and rint.
  struct Row {
    double mean_span, rate;
    int64_t noise, spans, hash;
  };
  for (const auto& row : {
           Row{3, 0.15, 314746, 104933, 1189418540718426005},
           Row{8, 0.15, 314746, 39369, 1300743098628309595},
           Row{3, 0.5, 1049088, 349697, 713736388335886895},
           Row{8, 0.5, 1049088, 131144, 2067678013199133744},
           Row{64, 0.15, 314746, 5121, 797782988354555383},
           Row{64, 0.5, 1049088, 16456, 378391358535517256},
           Row{32, 0.15, 314746, 9928, 2043865064571844778},
           Row{32, 0.5, 1049088, 32816, 127912909616998224},
       }) {
    int64_t noise = 0, spans = 0;
    __extension__ using Wide = unsigned __int128;
    Wide hash = 0;
    for (int64_t length = 1; length <= 2048; ++length) {
      const auto counts = span_counts(length, row.rate, row.mean_span);
      noise += counts.noise;
      spans += counts.spans;
      hash = (hash * 1000003 + static_cast<Wide>(counts.noise * 4099 + counts.spans)) % (Wide{1} << 61);
    }
    EXPECT_EQ(noise, row.noise);
    EXPECT_EQ(spans, row.spans);
    EXPECT_EQ(static_cast<int64_t>(hash), row.hash) << row.mean_span << " " << row.rate;
  }
}

TEST(SpanCounts, RoundsHalvesToEven) {
  EXPECT_EQ(span_counts(5, 0.5, 1).noise, 2);   // 2.5
  EXPECT_EQ(span_counts(7, 0.5, 1).noise, 4);   // 3.5
  EXPECT_EQ(span_counts(20, 0.25, 2).spans, 2);  // 5 / 2
}

TEST(SpanCounts, NeverMoreSpansThanTokensThatStay) {
  for (int64_t length = 2; length < 200; ++length) {
    const auto counts = span_counts(length, 0.7, 1);  // T5 would have 0.7 length spans
    EXPECT_LE(counts.spans, length - counts.noise);
    EXPECT_GE(counts.spans, 1);
  }
}

// Raw text of a window of 2048 ids in all, with two of them ends (facts of the published layouts).
TEST(SpanCounts, LongestTextOfAWindow) {
  const auto expect = [](double mean_span, double rate, int64_t text, int64_t noise, int64_t spans) {
    EXPECT_EQ(longest_span_text(2048, 2, rate, mean_span), text) << mean_span << " " << rate;
    EXPECT_EQ(span_counts(text, rate, mean_span).noise, noise);
    EXPECT_EQ(span_counts(text, rate, mean_span).spans, spans);
  };
  expect(3, 0.15, 1860, 279, 93);
  expect(8, 0.15, 1972, 296, 37);
  expect(3, 0.5, 1534, 767, 256);
  expect(8, 0.5, 1818, 909, 114);
  expect(64, 0.15, 2036, 305, 5);
  expect(64, 0.5, 2014, 1007, 16);
  expect(32, 0.15, 2026, 304, 10);
  expect(32, 0.5, 1984, 992, 31);
  EXPECT_EQ(longest_span_text(5, 2, 0.15, 3), 0) << "two tokens, two sentinels and two others are six";
  EXPECT_EQ(longest_span_text(6, 2, 0.15, 3), 2);
}

TEST(RandomParts, EveryDivisionIsAsLikely) {
  std::map<std::vector<int64_t>, double> seen;
  constexpr int64_t kDraws = 20000;
  for (int64_t i = 0; i < kDraws; ++i) {
    Draws draws(static_cast<uint64_t>(i));
    ++seen[random_parts(6, 3, draws)];
  }
  ASSERT_EQ(seen.size(), 10u);  // C(5, 2)
  double chi = 0;
  for (const auto& [parts, count] : seen) chi += std::pow(count - kDraws / 10.0, 2) / (kDraws / 10.0);
  EXPECT_LT(chi, chi_square_999(9));
}

TEST(SampleSpans, LengthsFollowTheClosedForm) {
  const auto first_length = [](int64_t length, double rate, double mean) {
    return [=](Draws& draws) {
      const auto spans = sample_spans(length, rate, mean, draws);
      return spans[0].end - spans[0].begin;
    };
  };
  EXPECT_LT(misfit(171, 57, first_length(1140, 0.15, 3)), 1);
  EXPECT_LT(misfit(992, 31, first_length(1984, 0.5, 32)), 1);
  // Another span than the first, and wrong laws of the same mean: uniform, and geometric.
  EXPECT_LT(misfit(171, 57, [](Draws& draws) {
              const auto spans = sample_spans(1140, 0.15, 3, draws);
              return spans[40].end - spans[40].begin;
            }), 1);
  EXPECT_GT(misfit(171, 57, [](Draws& draws) { return 1 + static_cast<int64_t>(draws.below(5)); }), 1);
  EXPECT_GT(misfit(992, 31, [](Draws& draws) { return 1 + static_cast<int64_t>(draws.below(63)); }), 1);
  EXPECT_GT(misfit(171, 57, [](Draws& draws) {
              int64_t length = 1;
              while (draws.below(10) < 6) ++length;  // mean 2.5
              return length;
            }), 1);
}

TEST(SampleSpans, AlternatesAndLeavesTheFirstToken) {
  for (int64_t length = 0; length <= 300; ++length) {
    for (const auto& [rate, mean] : {std::pair{0.15, 3.0}, {0.5, 3.0}, {0.15, 64.0}, {0.9, 1.0}}) {
      Draws draws(static_cast<uint64_t>(length));
      const auto counts = span_counts(length, rate, mean);
      const auto spans = sample_spans(length, rate, mean, draws);
      ASSERT_EQ(static_cast<int64_t>(spans.size()), counts.spans);
      int64_t noise = 0, end = 0;
      for (const auto& span : spans) {
        ASSERT_GT(span.begin, end) << "a kept token before every span";
        ASSERT_GT(span.end, span.begin);
        noise += span.end - span.begin;
        end = span.end;
      }
      ASSERT_EQ(noise, counts.noise);
      if (!spans.empty()) {
        ASSERT_EQ(end, length);
      }
    }
  }
}

TEST(Draws, AreUniformAndAFunctionOfTheKey) {
  Draws one(7), same(7), other(8);
  bool differ = false;
  std::vector<double> seen(10);
  for (int i = 0; i < 20000; ++i) {
    const auto drawn = one.below(10);
    ASSERT_EQ(drawn, same.below(10));
    differ = differ || drawn != other.below(10);
    ++seen[drawn];
  }
  EXPECT_TRUE(differ);
  double chi = 0;
  for (const double count : seen) chi += (count - 2000) * (count - 2000) / 2000;
  EXPECT_LT(chi, chi_square_999(9));
}

}  // namespace
}  // namespace moe

#include "moe/exchange_plan.h"

#include <algorithm>
#include <numeric>

#include "moe/mesh.h"
#include "moe/slot_order.h"

namespace moe {
namespace {

using Counts = std::vector<std::vector<int64_t>>;

int64_t total(const std::vector<int64_t>& values) {
  return std::accumulate(values.begin(), values.end(), int64_t{0});
}

// Of one rank's slots those of experts [first, last).
int64_t slots_of(const std::vector<int64_t>& counts, int64_t first, int64_t last) {
  return std::accumulate(counts.begin() + first, counts.begin() + last, int64_t{0});
}

}  // namespace

int64_t ExchangeRound::sent_rows() const { return total(sent); }
int64_t ExchangeRound::received_rows() const { return total(received); }

std::vector<ExchangeRound> exchange_rounds(const Counts& counts, int64_t rank, int64_t rounds,
                                           bool few_sizes) {
  const auto N = static_cast<int64_t>(counts.size());
  const auto& mine = counts[static_cast<size_t>(rank)];
  const int64_t local = static_cast<int64_t>(mine.size()) / N;  // experts of a rank
  std::vector<ExchangeRound> plan;
  for (int64_t c = 0; c < rounds; ++c) {
    const auto experts = span_of(local, c, rounds);
    ExchangeRound round;
    for (int64_t r = 0; r < N; ++r) {
      round.begin.push_back(slots_of(mine, 0, r * local + experts.begin));
      round.sent.push_back(slots_of(mine, r * local + experts.begin, r * local + experts.end));
      round.received.push_back(slots_of(counts[static_cast<size_t>(r)], rank * local + experts.begin,
                                        rank * local + experts.end));
    }
    // They come by rank and then expert, and stand by expert and then rank: a token's rank-major place
    // among all tokens, as on one rank.
    std::vector<std::vector<int64_t>> first(static_cast<size_t>(experts.size()));  // [expert][rank]
    for (int64_t e = 0; e < experts.size(); ++e) {
      const int64_t begin = round.rows;
      int64_t here = 0;
      for (int64_t r = 0; r < N; ++r) {
        first[static_cast<size_t>(e)].push_back(begin + here);
        here += counts[static_cast<size_t>(r)][static_cast<size_t>(rank * local + experts.begin + e)];
      }
      const int64_t rows = few_sizes ? padded_rows(here) : here;
      if (rows > 0) {
        round.pieces.push_back({experts.begin + e, begin, rows});
        round.rows += rows;
      }
    }
    for (int64_t r = 0; r < N; ++r) {
      for (int64_t e = 0; e < experts.size(); ++e) {
        const int64_t at = first[static_cast<size_t>(e)][static_cast<size_t>(r)];
        const int64_t rows =
            counts[static_cast<size_t>(r)][static_cast<size_t>(rank * local + experts.begin + e)];
        for (int64_t i = 0; i < rows; ++i) {
          round.places.push_back(at + i);
        }
      }
    }
    plan.push_back(std::move(round));
  }
  return plan;
}

int64_t number_of_rounds(const Counts& counts, int64_t wanted, int64_t chunk) {
  const auto N = static_cast<int64_t>(counts.size());
  const int64_t local = static_cast<int64_t>(counts.front().size()) / N;
  int64_t rounds = std::min(wanted, local);
  if (chunk == 0) {
    return rounds;
  }
  for (int64_t rank = 0; rank < N; ++rank) {
    int64_t rows = 0;
    for (const auto& of_rank : counts) {
      rows += slots_of(of_rank, rank * local, (rank + 1) * local);
    }
    rounds = std::max(rounds, std::min(local, (rows + chunk - 1) / chunk));
  }
  return rounds;
}

}  // namespace moe

// Who sends how many rows to whom in one layer: a pure function of every rank's counts, on the host.
#pragma once

#include <vector>

#include "moe/expert_rows.h"

namespace moe {

// One of the rounds, as this rank sees it.
struct ExchangeRound {
  // Of this rank's rows in expert order: those that go to every rank, [begin, begin + sent[r]).
  std::vector<int64_t> begin, sent;
  std::vector<int64_t> received;  // rows from every rank
  std::vector<Piece> pieces;      // the received rows sorted by this rank's experts
  std::vector<int64_t> places;    // [rows received] where each of them stands there
  int64_t rows = 0;               // sorted ones, with padding

  int64_t sent_rows() const;
  int64_t received_rows() const;
};

// counts[r][e]: rank r's live slots of expert e, of E = N * E_local. With `few_sizes` an expert's rows are
// padded as padded_rows() does.
std::vector<ExchangeRound> exchange_rounds(const std::vector<std::vector<int64_t>>& counts, int64_t rank,
                                           int64_t rounds, bool few_sizes);

// The number of rounds: `wanted` at least, one per expert of a rank at most, and more than wanted where with
// `chunk` above 0 a rank would compute more rows than that at once.
int64_t number_of_rounds(const std::vector<std::vector<int64_t>>& counts, int64_t wanted, int64_t chunk);

}  // namespace moe

// Bytes that one rank hands over for others in an optimizer step, from shapes: counted as
// RankGroup::traffic() counts them, so that tests can hold the two to each other.
//
//   expert exchange  T K (N - 1) / N rows of a layer leave a rank at even load, as many results of others'
//                    rows leave it on their way home; both once more in backward, each with a weight or its
//                    gradient (moe/expert_exchange.h). Before it every rank's counts go round.
//   gradients        2 n (H - 1) / H over the H ranks that hold a parameter: a ring (Patarasuk and Yuan 2009,
//                    "Bandwidth optimal all-reduce algorithms", theorem 1)
//   parameters       (H - 1) shares of n / H with parallel.shard_optimizer: the gather of Rajbhandari et al.
//                    2019, arXiv 1910.02054, section 7. Gradients are summed whole here, so it comes on top
//
// Left out: what does not grow with tokens or parameters (gates' sums over E experts, the figures of a step,
// the norm), validation, and checkpoints, which leave through files.
#pragma once

#include <vector>

#include "train/dry_run_layout.h"

namespace moe {

struct HandedOver {
  double bytes = 0;
  double between_nodes = 0;  // of these, to ranks of other nodes: a mean over ranks
};

struct TrafficEstimate {
  struct Layer {
    int64_t layer = 0;
    double forward = 0, backward = 0;  // once the gate is sparse
  };
  std::vector<Layer> layers;     // those that exchange, of all micro-steps
  HandedOver exchange;           // of all layers, with the counts
  HandedOver first_exchange;     // the same while gates have as many slots as they begin with
  HandedOver gradients;
  HandedOver parameters;
  HandedOver total() const;      // once gates are sparse
};

// Of the rank with the most rows.
TrafficEstimate estimate_traffic(const RunConfig& config, const Holdings& held, const RankLayout& layout);

// Tokens of a micro-step of the rank with the most rows (moe/mesh.h, span_of).
int64_t most_tokens(const RunConfig& config, const RankLayout& layout);

// A ring's sum of n bytes, and a gather of `share` bytes of each, over R ranks.
double sum_bytes(double n, int64_t R);
double gather_bytes(double share, int64_t R);

// One layer's exchange in one direction of autograd: `sent` rows of this rank to others, and results of
// `received` rows of theirs.
double exchange_bytes(double sent, double received, int64_t d_model, double row_bytes,
                      double weight_bytes, bool backward);
// Rows that leave each rank at even load, of T tokens with K live slots each.
double rows_for_others(double T, double K, int64_t N);
// Every rank's counts: E + K numbers of 8 bytes.
double count_bytes(int64_t E, int64_t K, int64_t N);

// Shares of what a rank hands over that go to other nodes, means over all ranks.
struct NodeShares {
  double row = 0;     // to the others of its row alike: the expert exchange
  double world = 0;   // to the next rank: a ring over all
  double column = 0;  // to the next of its column: experts' gradients and shares
};
NodeShares node_shares(const RankLayout& layout);

}  // namespace moe

// Experts that are spread over ranks: every live slot's token travels to the rank that holds its expert,
// and what the expert makes of it travels back.
//
//   counts of all ranks -> rows there -> experts -> rows back -> weights applied and added up at home
//
// The gate's weights stay at home in forward. In backward a row's output gradient goes out with its weight;
// its input gradient and its weight's gradient come back (4 bytes each), so that no returned row is kept.
// Rows go in rounds, each for some of every rank's experts: one round travels while another is
// computed. How many there are follows from the counts of all ranks, so ranks cannot disagree.
#pragma once

#include <memory>
#include <string>

#include "moe/dispatcher.h"
#include "moe/rank_group.h"

namespace moe {

struct ExchangeOptions {
  int64_t rounds = 1;  // parallel.overlap_chunks; at most one per expert of a rank
  // model.moe.max_slots_per_chunk: as many rounds more as it takes for no rank to compute more rows at
  // once, where its experts can be parted so; what they compute is then computed again in backward.
  int64_t chunk = 0;
};

class ExchangeDispatcher : public Dispatcher {
 public:
  // `ranks` hold E / N experts each, in order. `layer` names the operations.
  ExchangeDispatcher(std::shared_ptr<const RankGroup> ranks, int64_t layer, ExchangeOptions options);
  // `experts` are this rank's; the routing is over all E.
  Dispatched run(const Tensor& x, const Routing& routing, Experts& experts) const override;

 private:
  std::shared_ptr<const RankGroup> ranks_;
  std::string forward_name_, backward_name_;
  ExchangeOptions options_;
};

// Bytes that one row's slot takes on its ways there and back in forward, and in backward: `model_bytes` of an
// element of a row, `weight_bytes` of a weight.
double exchange_bytes_per_row(int64_t d_model, double model_bytes, double weight_bytes, bool backward);

}  // namespace moe

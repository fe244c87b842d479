// What one layer's gate did with every token of a text, added up batch by batch: the memory does not
// grow with the text. The definitions and their sources are in docs/diagnostics.md.
#pragma once

#include <string>
#include <vector>

#include "moe/moe_layer.h"
#include "train/routed/specialisation.h"

namespace moe {

// Of two different experts with at least Specialisation::kFewest tokens each.
struct ExpertPair {
  int64_t first = 0, second = 0;
  double share = 0;  // of the first one's tokens, those that are the second one's too
};

struct RoutingFigures {
  bool has_p = false;             // whether any token has one: without, the next three say nothing
  double margin = 0;              // mean over tokens of p's largest value less its second
  double marginal_entropy = 0;    // H(mean over tokens of p), nats
  double mutual_information = 0;  // that less the mean of H(p)
  // [E][E]: of expert i's tokens, the share that expert j has too; 1 for itself, a row of zeros
  // for an expert without tokens. Empty with more than kMostPaired experts.
  std::vector<std::vector<double>> coactivation;
  std::vector<double> chosen;  // [E] tokens of each expert
  ExpertPair closest;          // of the highest share, 0 where there is none; needs `coactivation`
  Specialisation by_class;     // the groups of kByteClasses
  Specialisation by_source;    // without groups where there is one text only
};

class RoutingTally {
 public:
  static constexpr int64_t kMostPaired = 512;  // experts: 2 MiB a layer

  // Without sources there are no figures by source.
  RoutingTally(int64_t experts, std::vector<std::string> sources);

  // `token_class` [T] int64 of kByteClasses; `source` is the place of all tokens' in the list;
  // `valid` [T] bool, or undefined: all are text. Waits for the device.
  void add(const KeptRouting& routing, const Tensor& token_class, size_t source,
           const Tensor& valid);

  RoutingFigures figures() const;

 private:
  int64_t experts_;
  std::vector<std::string> sources_;
  // Sums, undefined before the first batch; float64 on the host.
  Tensor mass_;         // [E] of p
  Tensor scalars_;      // [3]: tokens with a p, entropy, margin
  Tensor pairs_;        // [E, E] tokens that chose both
  Tensor chosen_;       // [E]
  Tensor class_slots_;  // [C, E]
  Tensor class_tokens_;  // [C]
  Tensor source_slots_;  // [S, E]
  Tensor source_tokens_;  // [S]
};

}  // namespace moe

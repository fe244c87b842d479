// Hash layers (Roller et al. 2021, arXiv 2106.04426): a token goes where a fixed table sends its id,
// with weight 1 (1 / k each for k experts, which differ). Nothing is learned and nothing collapses: the
// baseline that a learned gate has to beat.
#pragma once

#include "gates/gate.h"
#include "gates/hash_config.h"
#include "layers/initializer.h"

namespace moe {

class HashGate : public Gate {
 public:
  // Throws RunError for a file of frequencies that cannot be read (gates/hash_tables.h), on the meta
  // device too, so that a run finds out before it writes anything. Not where a checkpoint brings the
  // table: see Initializer::for_loading.
  HashGate(const HashConfig& config, int64_t vocabulary, int64_t experts, const Initializer& init);
  Routing forward(const GateInput& input) override;

 private:
  int64_t experts_;
  Tensor table_;  // [V, k] float32, whole numbers. A buffer, so that a run goes on with its own table
};

}  // namespace moe

// Routing mechanism: runs the experts that a Routing names and adds up their outputs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gates/routing.h"
#include "moe/experts.h"

namespace moe {

struct Dispatched {
  Tensor y;                    // [T, D]
  int64_t rows_executed = 0;   // expert rows computed, live or not
  double rows_recomputed = 0;  // of which backward computes as much again, in whole rows
  int64_t host_syncs = 0;      // times the host waited for the device
};

class Dispatcher {
 public:
  virtual ~Dispatcher() = default;
  // y[t] = sum_k weight[t, k] * f[expert[t, k]](x[t]). The gradient of the weight of an empty slot,
  // and with routing.skip_zeros of a slot of weight 0, is defined as 0 (promise 3 of Routing).
  virtual Dispatched run(const Tensor& x, const Routing& routing, Experts& experts) const = 0;
};

// Every expert on every token.
class DenseDispatcher : public Dispatcher {
 public:
  Dispatched run(const Tensor& x, const Routing& routing, Experts& experts) const override;
};

// Live slots only, sorted by expert. More than `chunk` of them (0: no limit) are computed chunk by chunk
// (moe/slot_chunks.h).
class SparseDispatcher : public Dispatcher {
 public:
  explicit SparseDispatcher(int64_t chunk = 0) : chunk_(chunk) {}
  Dispatched run(const Tensor& x, const Routing& routing, Experts& experts) const override;

 private:
  int64_t chunk_;
};

// Sparse, unless so many slots are live that moving rows costs more than it saves: a pure function
// of the counts and a fixed table (docs/design.md, "Choices and determinism"). All T * E slots at once
// are never more than `chunk`.
class AutoDispatcher : public Dispatcher {
 public:
  explicit AutoDispatcher(int64_t chunk = 0) : chunk_(chunk) {}
  Dispatched run(const Tensor& x, const Routing& routing, Experts& experts) const override;

 private:
  int64_t chunk_;
};

// `word` is one of model.moe.dispatch's words, `chunk` model.moe.max_slots_per_chunk.
std::unique_ptr<Dispatcher> make_dispatcher(const std::string& word, int64_t chunk = 0);

// Whether `auto` computes this many live slots densely.
bool dense_is_cheaper(int64_t live_slots, int64_t tokens, int64_t experts);

}  // namespace moe

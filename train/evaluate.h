// Validation: the same rows every time, dropless and noise-free.
#pragma once

#include "data/dataset.h"
#include "train/model.h"

namespace moe {

struct Evaluation {
  double loss = 0;            // cross-entropy, nats per target token
  double target_tokens = 0;
  double bits_per_byte() const;  // of the byte vocabulary: a token is a byte
};

// The first `tokens` of `data`, rounded up to whole rows, `rows` at a time.
Evaluation evaluate(Model& model, const Dataset& data, int64_t tokens, int64_t rows, int64_t length,
                    at::Device device);

}  // namespace moe

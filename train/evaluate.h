// Validation: the same rows every time, dropless and noise-free.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "data/dataset.h"
#include "train/model.h"

namespace moe {

struct Evaluation {
  double loss = 0;            // cross-entropy, nats per target token
  double target_tokens = 0;
  std::vector<std::pair<std::string, double>> sources;  // loss of each, where they have names
  double bits_per_byte() const;  // of the byte vocabulary: a token is a byte
  // "validation loss 1.2345, 1.7810 bits per byte; wiki 1.1000, code 1.3000"
  std::string text() const;
};

// About `tokens` of validation text, `rows` rows at a time: of every source the first rows, in
// proportion to its share and rounded up to whole rows. The loss is the sources' mean weighted by
// share, so the expected loss of a row drawn as in training, also where a source has too little
// text for its part.
// `progress`: the share of the run that is done, which gates' schedules follow. All ranks of `mesh` take
// part, each with its share of the rows, and get the same figures.
Evaluation evaluate(Model& model, const std::vector<ValidationRows>& sources, int64_t tokens,
                    int64_t rows, int64_t length, at::Device device, double progress,
                    const Mesh& mesh = {});

}  // namespace moe

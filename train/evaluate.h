// Validation: the same rows every time, dropless and noise-free.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "data/dataset.h"
#include "gates/load_metrics.h"
#include "train/model.h"

namespace moe {

struct Evaluation {
  double loss = 0;    // cross-entropy, nats per target token, of rows as in training
  double causal = 0;  // of causal rows, whatever the objective
  double target_tokens = 0;
  std::vector<std::pair<std::string, double>> objectives;  // loss of each: "causal", and every denoiser's
  std::vector<std::pair<std::string, double>> sources;     // causal loss of each, where they have names
  // Expert load by objective and layer; of models with experts.
  std::map<std::string, std::map<int64_t, LoadMetrics>> loads;

  // Of the causal loss, so that objectives can be compared; of the byte vocabulary: a token is a byte.
  double bits_per_byte() const;
  // "validation loss 1.2345, 1.7810 bits per byte; wiki 1.1000, code 1.3000"
  std::string text() const;
};

// About `tokens` of validation text of causal rows, and as much of all denoisers together, `rows` rows at a time: of
// every source the first rows, in proportion to its share and rounded up to whole rows. Losses are the sources' means
// weighted by share; `loss` is that of a target token drawn as in training.
// `progress`: the share of the run that is done, which gates' schedules follow. All ranks of `mesh` take
// part, each with its share of the rows, and get the same figures.
Evaluation evaluate(Model& model, const std::vector<ValidationRows>& sources, int64_t tokens,
                    int64_t rows, int64_t length, at::Device device, double progress,
                    const Mesh& mesh = {});

}  // namespace moe

// A run's routing from its metrics.jsonl. The file may hold anything: what is no number is counted.
#pragma once

#include <cstdint>
#include <vector>

#include "train/diagnose/layer.h"
#include "train/run_config.h"

namespace moe {

// Logged training steps that a run's figures are pooled over: the last ones.
constexpr size_t kPooledRows = 100;

// The last `most` rows of training, in order.
std::vector<Json> last_train_rows(const std::vector<Json>& rows, size_t most);

// One of each layer in these rows: loads summed, the rest their means. A layer that the model cannot
// have is left out; a row whose load is of another number of experts counts as unusable. Requires the
// config of a model with experts.
std::vector<LayerDiagnosis> pool_rows(const std::vector<Json>& rows, const RunConfig& config);

// The load of ranks over the same rows, of every layer with a load in them. Requires that `ranks`
// divides the experts.
void add_ranks(const std::vector<Json>& rows, int64_t ranks, std::vector<LayerDiagnosis>& layers);

// NaN for what is missing or no number.
double number_in(const Json& object, const char* key);

}  // namespace moe

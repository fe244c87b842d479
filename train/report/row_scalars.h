// The figures of a row of metrics.jsonl that are one number each, by name: what charts and
// TensorBoard show. Names are those of moe-compare's --metric with the layer behind:
//   valid/bits_per_byte, valid/objectives.causal, train/loss, train/lr, train/aux.entropy,
//   moe.max_vio/layer_0, moe.gate.saturated_bits/layer_0
// Figures that later rows bring are found without being listed here.
#pragma once

#include "data/formats/event_file.h"
#include "data/formats/metrics_file.h"

namespace moe {

// Takes out of a row what is null because nobody asked for it, not because it was not finite: `mfu`
// without log.peak_tflops, and what log.diagnostics: false leaves out of `moe`. Reports would warn of every
// ordinary run.
void erase_unasked(Json& row);

// NaN where the row has null. Without what nobody asked for, without `step` and without what is not one
// number (the load of each expert). From kMostLayers on a figure of the layers is given as /mean, /min and
// /max over them, so that the number of names stays bounded.
Scalars row_scalars(Json row);

// The number of a layer's object in `moe`, or its place there where it has none.
int64_t layer_number(const Json& layer, size_t place);

constexpr size_t kMostLayers = 33;

// Whether an object of `moe` was written with log.diagnostics off. A histogram that was formed has at least
// one bin.
bool without_diagnostics(const Json& layer);

}  // namespace moe

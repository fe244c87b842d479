// What LearnedOptions do to a gate's input and choice. Noise is drawn in training only.
#pragma once

#include "gates/gate.h"
#include "gates/learned_options_config.h"

namespace moe {

// The input in gate_dtype, jittered elementwise (Switch, arXiv 2101.03961, appendix): [T, D].
Tensor gate_features(const LearnedOptions& options, const GateInput& input);

// [T, E] bool: experts that a token may not choose; undefined where none is left out. Every expert is
// left out with the same probability, but for the k that drew the largest numbers, so that k choices
// stay (Zhao et al. 2019, RecSys, "Recommending what video to watch next", section 5: an expert's
// utilisation set to 0 and the softmax renormalised). Dropout inside experts, Switch's "expert dropout",
// is another thing.
Tensor dropped_experts(const LearnedOptions& options, const GateInput& input, int64_t experts,
                       int64_t k);

// Logits with -infinity where `dropped` says so: their softmax is the renormalised one.
Tensor without_dropped(const Tensor& logits, const Tensor& dropped);

}  // namespace moe

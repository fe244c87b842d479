// Activation recompute (Chen et al. 2016, arXiv 1604.06174): a layer keeps its input alone and is
// computed again in backward. Memory of one layer at a time for a third more FLOPs.
#pragma once

#include <functional>
#include <vector>

#include "layers/feed_forward.h"

namespace moe {

// A layer as a function of its input; called once in forward and once in backward, it must do the same
// both times (noise is counter-based, so it does).
using LayerFunction = std::function<FeedForwardOutput(const Tensor& x)>;

// layer(x), with the gradients of x, of `parameters` (those the layer reads) and of nothing else. The
// auxiliary losses are those of the first computation and carry their gradient back through the
// second; the report is the first one's. Gradients are bitwise those of layer(x) itself.
FeedForwardOutput recomputed(LayerFunction layer, const Tensor& x,
                             const std::vector<Tensor>& parameters);

}  // namespace moe

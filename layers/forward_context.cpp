#include "layers/forward_context.h"

namespace moe {

Tensor ForwardContext::position_ids() const {
  if (positions.defined()) {
    return positions;
  }
  return at::arange(S(), token_ids.options()).expand({B(), S()});
}

}  // namespace moe

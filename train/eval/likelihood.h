// How likely a model finds given continuations.
#pragma once

#include <cstdint>
#include <vector>

#include "train/decode.h"

namespace moe {

struct AskedText {
  Given given;                        // the prompt
  std::vector<int64_t> continuation;  // at least one id
};

// Sum over the continuation's tokens of log p(token | what stands before it), nats, of each. Prompt and continuation
// but for its last token are fed together, the prompt's prefix as its `given` says; texts of like length share a
// batch, with padding that nothing sees; where gates choose for a token by others too, each is fed alone. They must
// fit into the context (std::invalid_argument). Throws RunError when the model's figures are not numbers.
std::vector<double> log_likelihoods(const Reader& reader, const std::vector<AskedText>& texts);

// The same prompt with ids left out after its first `kept`, the mode token's, until it has at most `room`. Returns
// how many. Requires room > kept.
int64_t shorten_left(Given& given, int64_t kept, int64_t room);

}  // namespace moe

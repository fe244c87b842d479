// The nonlinearities of feed-forwards, as far as a config and a FLOP count need to know them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace moe {

// Gated ones multiply a nonlinear by a linear projection (Shazeer 2020, arXiv 2002.05202) and have
// three matrices; plain ones have two. GELU is the exact one, by erf (Hendrycks and Gimpel 2016,
// arXiv 1606.08415), not its tanh approximation.
enum class Activation { kSwiglu, kGeglu, kReglu, kGelu, kRelu };

// The words of model.activation, in the order of the list above.
const std::vector<std::string>& activation_words();
// Throws std::invalid_argument for another word: the config lets none through.
Activation activation_of(const std::string& word);

bool is_gated(Activation activation);
// Matrices of width x d_model in one network: 3 gated, 2 plain.
inline int64_t matrices(Activation activation) { return is_gated(activation) ? 3 : 2; }

}  // namespace moe

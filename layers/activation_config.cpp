#include "layers/activation_config.h"

#include <algorithm>
#include <stdexcept>

namespace moe {

const std::vector<std::string>& activation_words() {
  static const std::vector<std::string> words = {"swiglu", "geglu", "reglu", "gelu", "relu"};
  return words;
}

Activation activation_of(const std::string& word) {
  const auto& words = activation_words();
  const auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end()) {
    throw std::invalid_argument("activation: unknown word '" + word + "'");
  }
  return static_cast<Activation>(found - words.begin());
}

bool is_gated(Activation activation) {
  return activation != Activation::kGelu && activation != Activation::kRelu;
}

}  // namespace moe

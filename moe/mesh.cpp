#include "moe/mesh.h"

namespace moe {

Mesh::Mesh() {
  const auto one = std::make_shared<RankGroup>();
  world = gradients = expert = data = control = files = one;
}

Span span_of(int64_t n, int64_t part, int64_t parts) {
  return {n * part / parts, n * (part + 1) / parts};
}

}  // namespace moe

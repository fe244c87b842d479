#include "train/sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "configs/errors.h"
#include "layers/noise.h"

namespace moe {

std::vector<int64_t> continuation_ids(const Tokenizer& tokenizer) {
  std::vector<int64_t> ids;
  for (int64_t id = 0; id < tokenizer.vocabulary(); ++id) {
    if (id == tokenizer.end_id() || !tokenizer.decode({id}).empty()) {
      ids.push_back(id);
    }
  }
  return ids;
}

int64_t choose_token(const std::vector<float>& logits, const std::vector<int64_t>& allowed,
                     double temperature, double top_p, double uniform) {
  int64_t best = allowed.front();
  for (const int64_t id : allowed) {
    const float logit = logits.at(static_cast<size_t>(id));
    if (std::isnan(logit) || logit == std::numeric_limits<float>::infinity()) {
      throw RunError("the model's logit of token " + std::to_string(id) + " is " +
                     std::to_string(logit) +
                     ", expected a number: its training diverged; take an earlier checkpoint");
    }
    if (logit > logits[static_cast<size_t>(best)]) {
      best = id;
    }
  }
  if (temperature == 0) {
    return best;
  }
  // Relative to the largest, so that the exponential neither overflows nor is 0 for all.
  const double top = logits[static_cast<size_t>(best)];
  std::vector<double> weight(allowed.size());
  for (size_t i = 0; i < allowed.size(); ++i) {
    weight[i] = std::exp((logits[static_cast<size_t>(allowed[i])] - top) / temperature);
  }
  std::vector<size_t> order(allowed.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return weight[a] > weight[b]; });

  double kept = std::accumulate(weight.begin(), weight.end(), 0.0);
  if (top_p < 1) {
    const double wanted = top_p * kept;
    size_t count = 0;
    for (kept = 0; count < order.size() && (count == 0 || kept < wanted); ++count) {
      kept += weight[order[count]];
    }
    order.resize(count);
  }
  double left = uniform * kept;
  for (const size_t i : order) {
    left -= weight[i];
    if (left < 0) {
      return allowed[i];
    }
  }
  return best;  // rounding left a crumb over
}

double sampling_noise(uint64_t seed, int64_t sample, int64_t position) {
  const uint64_t stream = mix64(mix64(seed) ^ static_cast<uint64_t>(sample));
  return static_cast<double>(mix64(stream ^ static_cast<uint64_t>(position)) >> 11) * 0x1p-53;
}

}  // namespace moe

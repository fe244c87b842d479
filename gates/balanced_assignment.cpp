// One token bids at a time: so much for a place with its best expert that the second best would be as
// good, and a step more. A full expert gives the place of its lowest bid away, whose token bids again.
// An expert's price is its lowest bid once it is full, and 0 before.
//
// It ends: while a token is without a place, some expert has a free one at price 0, so no bid exceeds
// the largest difference within a token by more than a step; each bid raises a place's price by a step
// at least, and that difference is 50 steps at most: about 52 bids for a place.
#include "gates/balanced_assignment.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <queue>

#include "layers/shapes.h"

namespace moe {
namespace {

struct Bid {
  double height;
  int64_t token;
  // Lowest first; of equal ones the later token gives way.
  bool operator<(const Bid& other) const {
    return height != other.height ? height > other.height : token < other.token;
  }
};

struct Expert {
  std::priority_queue<Bid> places;  // taken ones
  double price = 0;
};

// Scores less their token's largest, which changes no choice, so that huge ones compare exactly as
// small ones do; and the largest difference within a token: not finite if any score is not.
double level(std::vector<double>& scores, int64_t E) {
  double widest = 0;
  for (size_t row = 0; row < scores.size(); row += static_cast<size_t>(E)) {
    const auto begin = scores.begin() + static_cast<int64_t>(row), end = begin + E;
    const double best = *std::max_element(begin, end);
    for (auto score = begin; score != end; ++score) {
      *score -= best;
      if (!(-*score <= widest)) {  // NaN gets here, too
        widest = -*score;
      }
      if (!std::isfinite(*score)) {
        return std::numeric_limits<double>::infinity();
      }
    }
  }
  return widest;
}

}  // namespace

std::vector<int64_t> balanced_assignment(const Tensor& scores) {
  check_shape(scores, {-1, -1}, "balanced_assignment scores");
  TORCH_CHECK(scores.is_cpu() && scores.is_contiguous() && scores.scalar_type() == at::kDouble,
              "balanced_assignment: expected contiguous float64 scores on the CPU");
  const int64_t N = scores.size(0), E = scores.size(1);
  std::vector<double> value(scores.data_ptr<double>(), scores.data_ptr<double>() + N * E);
  std::vector<int64_t> chosen(static_cast<size_t>(N));
  const double widest = level(value, E);
  if (E == 1 || !std::isfinite(widest)) {
    for (int64_t token = 0; token < N; ++token) {
      chosen[static_cast<size_t>(token)] = token % E;
    }
    return chosen;
  }
  const double step = std::max(widest / 50, 1e-4);
  const auto capacity = static_cast<size_t>((N + E - 1) / E);
  std::vector<Expert> experts(static_cast<size_t>(E));
  std::deque<int64_t> waiting;
  for (int64_t token = 0; token < N; ++token) {
    waiting.push_back(token);
  }
  while (!waiting.empty()) {
    const int64_t token = waiting.front();
    waiting.pop_front();
    double best = -std::numeric_limits<double>::infinity(), second = best;
    int64_t wanted = 0;
    for (int64_t e = 0; e < E; ++e) {
      const double gain =
          value[static_cast<size_t>(token * E + e)] - experts[static_cast<size_t>(e)].price;
      if (gain > best) {
        second = best;
        best = gain;
        wanted = e;
      } else if (gain > second) {
        second = gain;
      }
    }
    auto& expert = experts[static_cast<size_t>(wanted)];
    const double height = expert.price + (best - second) + step;
    if (expert.places.size() == capacity) {
      waiting.push_back(expert.places.top().token);
      expert.places.pop();
    }
    expert.places.push({height, token});
    chosen[static_cast<size_t>(token)] = wanted;
    if (expert.places.size() == capacity) {
      expert.price = expert.places.top().height;
    }
  }
  return chosen;
}

}  // namespace moe

#include "data/objectives/span_sampler.h"

namespace moe {

std::vector<int64_t> random_parts(int64_t sum, int64_t parts, Draws& draws) {
  std::vector<int64_t> sizes;
  sizes.reserve(static_cast<size_t>(parts));
  // Selection sampling (Knuth, The Art of Computer Programming, volume 2, algorithm 3.4.2 S): each place is cut with
  // the probability that leaves the right number for the rest.
  int64_t begin = 0, cuts = parts - 1;
  for (int64_t place = 1; cuts > 0; ++place) {
    const int64_t places_left = sum - place;
    if (static_cast<int64_t>(draws.below(static_cast<uint64_t>(places_left))) < cuts) {
      sizes.push_back(place - begin);
      begin = place;
      --cuts;
    }
  }
  sizes.push_back(sum - begin);
  return sizes;
}

std::vector<NoiseSpan> sample_spans(int64_t length, double rate, double mean_span, Draws& draws) {
  const auto counts = span_counts(length, rate, mean_span);
  if (counts.spans == 0) return {};
  const auto noise = random_parts(counts.noise, counts.spans, draws);
  const auto kept = random_parts(length - counts.noise, counts.spans, draws);
  std::vector<NoiseSpan> spans;
  spans.reserve(noise.size());
  int64_t place = 0;
  for (size_t i = 0; i < noise.size(); ++i) {
    place += kept[i];
    spans.push_back({place, place + noise[i]});
    place += noise[i];
  }
  return spans;
}

}  // namespace moe

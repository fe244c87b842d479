#include "train/bench_timing.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace moe {
namespace {

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace

Json interleaved(const std::string& name, const std::function<void()>& work,
                 const std::string& reference_name, const std::function<void()>& reference,
                 int64_t rounds) {
  work();
  reference();
  std::vector<double> seconds, reference_seconds, ratios;
  for (int64_t round = 0; round < rounds; ++round) {
    seconds.push_back(seconds_of(work));
    reference_seconds.push_back(seconds_of(reference));
    ratios.push_back(seconds.back() / reference_seconds.back());
  }
  return {{"name", name},
          {"reference", reference_name},
          {"rounds", rounds},
          {"seconds", median(seconds)},
          {"reference_seconds", median(reference_seconds)},
          {"ratio", median(ratios)},
          {"ratio_min", *std::min_element(ratios.begin(), ratios.end())},
          {"ratio_max", *std::max_element(ratios.begin(), ratios.end())}};
}

void set_threads(int64_t threads) {
  if (threads > 0) {
    at::set_num_threads(static_cast<int>(threads));
  }
}

}  // namespace moe

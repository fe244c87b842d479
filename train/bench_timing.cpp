#include "train/bench_timing.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>

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

Seconds in_turn(const std::vector<std::function<void()>>& works, int64_t rounds,
                const std::function<void()>& before) {
  for (const auto& work : works) {
    before();
    work();
  }
  Seconds seconds(works.size());
  for (int64_t round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < works.size(); ++i) {
      before();
      seconds[i].push_back(seconds_of(works[i]));
    }
  }
  return seconds;
}

Json ratio_row(const std::string& name, const std::vector<double>& seconds,
               const std::string& reference_name, const std::vector<double>& reference_seconds) {
  std::vector<double> ratios;
  for (size_t round = 0; round < seconds.size(); ++round) {
    ratios.push_back(seconds[round] / reference_seconds[round]);
  }
  return {{"name", name},
          {"reference", reference_name},
          {"rounds", seconds.size()},
          {"seconds", median(seconds)},
          {"reference_seconds", median(reference_seconds)},
          {"ratio", median(ratios)},
          {"ratio_min", *std::min_element(ratios.begin(), ratios.end())},
          {"ratio_max", *std::max_element(ratios.begin(), ratios.end())}};
}

Json interleaved(const std::string& name, const std::function<void()>& work,
                 const std::string& reference_name, const std::function<void()>& reference,
                 int64_t rounds) {
  const auto seconds = in_turn({work, reference}, rounds);
  return ratio_row(name, seconds[0], reference_name, seconds[1]);
}

void set_threads(int64_t threads) {
  if (threads > 0) {
    at::set_num_threads(static_cast<int>(threads));
  }
}

}  // namespace moe

// Works measured in turn in one process.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "data/formats/metrics_file.h"

namespace moe {

using Seconds = std::vector<std::vector<double>>;  // [work][round]

// All in turn, `rounds` times after one unmeasured round, so that a slow moment of the machine hits every
// one of them. `before` each, unmeasured.
Seconds in_turn(const std::vector<std::function<void()>>& works, int64_t rounds,
                const std::function<void()>& before = [] {});

// Medians of the seconds, and the ratio as the median of the rounds' own ratios.
Json ratio_row(const std::string& name, const std::vector<double>& seconds,
               const std::string& reference_name, const std::vector<double>& reference_seconds);

// Two works in turn, as their row.
Json interleaved(const std::string& name, const std::function<void()>& work,
                 const std::string& reference_name, const std::function<void()>& reference,
                 int64_t rounds);

// 0: as many as LibTorch takes by itself.
void set_threads(int64_t threads);

}  // namespace moe

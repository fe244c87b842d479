// Two works measured in turn in one process.
#pragma once

#include <functional>
#include <string>

#include "data/formats/metrics_file.h"

namespace moe {

// Both in turn, `rounds` times after one unmeasured round: medians of the seconds, and the ratio as the
// median of the rounds' own ratios, so that a slow moment of the machine hits both sides.
Json interleaved(const std::string& name, const std::function<void()>& work,
                 const std::string& reference_name, const std::function<void()>& reference,
                 int64_t rounds);

// 0: as many as LibTorch takes by itself.
void set_threads(int64_t threads);

}  // namespace moe

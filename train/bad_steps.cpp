#include "train/bad_steps.h"

#include <algorithm>
#include <cmath>

namespace moe {
namespace {

constexpr double kLeastDeviation = 1e-3;  // of the mean

bool is_spike(double loss, double spike, const std::vector<double>& recent) {
  if (spike <= 0 || recent.size() < BadSteps::kFewest) {
    return false;
  }
  const double count = static_cast<double>(recent.size());
  double mean = 0;
  for (const double value : recent) {
    mean += value / count;
  }
  double variance = 0;
  for (const double value : recent) {
    variance += (value - mean) * (value - mean) / count;
  }
  return loss > mean + spike * std::max(std::sqrt(variance), kLeastDeviation * std::abs(mean));
}

}  // namespace

Verdict BadSteps::judge(double loss, double grad_norm, double spike) {
  if (!std::isfinite(loss) || !std::isfinite(grad_norm)) {
    ++nonfinite;
    return Verdict::kNonfinite;
  }
  if (is_spike(loss, spike, recent)) {
    ++spikes;
    return Verdict::kSpike;
  }
  if (spike > 0) {  // else nobody asks for them
    recent.push_back(loss);
    if (recent.size() > kWindow) {
      recent.erase(recent.begin());
    }
  }
  return Verdict::kGood;
}

std::string BadSteps::text() const {
  const auto several = [](int64_t count, const char* word) {
    return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
  };
  return std::to_string(nonfinite) + " not finite, " + several(spikes, "spike") + ", " +
         several(rollbacks, "rollback");
}

}  // namespace moe

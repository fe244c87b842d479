// What a person sees while a run goes on: one line that is redrawn in a terminal, plain lines (one in
// a few seconds) elsewhere. On stderr.
#pragma once

#include <chrono>
#include <limits>
#include <map>
#include <string>

#include "gates/load_metrics.h"

namespace moe {

struct ProgressView {
  int64_t step = 0, steps = 0;
  double loss = 0;               // nats per token
  double tokens_per_second = 0;
  double tflops = 0;
  double mfu = std::numeric_limits<double>::quiet_NaN();  // shown in the place of tflops where known
  double seconds_left = 0;
  const std::map<int64_t, LoadMetrics>* loads = nullptr;  // by layer; empty for a dense model
  double peak_memory = 0;        // bytes; 0: not known
};

// Load of every expert, the mean over layers, as bars from idle to twice the fair share; then live
// slots per token, and of gates with bits (DSelect-k, also within another gate) the share of those that
// are decided.
std::string load_text(const std::map<int64_t, LoadMetrics>& loads);
std::string progress_text(const ProgressView& view);
std::string duration_text(double seconds);  // "45s", "2m05s", "3h07m"

class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();
  void show(const ProgressView& view);
  void clear();  // before anything else is written

 private:
  bool terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point next_plain_;
};

}  // namespace moe

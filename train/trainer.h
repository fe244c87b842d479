// One optimizer step, readable from top to bottom, and the state that a checkpoint must hold.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "train/flops.h"
#include "train/model.h"
#include "train/optimizer.h"
#include "train/run_config.h"

namespace moe {

// What a run has done so far. Everything that is not a tensor.
struct Progress {
  int64_t step = 0;
  int64_t row = 0;            // next row of the training data
  double tokens = 0;          // positions that are not padding
  double target_tokens = 0;
  double flops = 0;           // from the slots that were live
  double flops_attention = 0;
  double flops_executed = 0;  // with dense dispatch and padding
  double seconds = 0;         // of training, over resumes; evaluation excluded
  int64_t train_bytes = 0, valid_bytes = 0;  // the text it was begun on
};

// One step's figures, still on the device: nothing waits unless they are read.
struct StepResult {
  double lr = 0;
  Tensor loss;        // mean cross-entropy per target token, nats
  Tensor grad_norm;   // before clipping
  struct Aux {
    Tensor value;     // mean over layers and micro-steps
    int64_t count = 0;
  };
  std::map<std::string, Aux> aux;
  std::map<int64_t, GateStats> gates;  // by layer, over micro-steps
};

class Trainer {
 public:
  Trainer(const RunConfig& config, int64_t vocabulary, std::shared_ptr<const Dataset> data);

  StepResult step();
  // Adds up what the steps since the last call did to progress().flops. Waits for the device.
  void count_flops();

  Model& model() { return model_; }
  AdamW& optimizer() { return *optimizer_; }
  Progress& progress() { return progress_; }
  const Progress& progress() const { return progress_; }
  const FlopsPerToken& flops() const { return flops_; }
  at::Device device() const { return device_; }

 private:
  // Forward and backward of one micro-step; adds its shares to `result`.
  void micro_step(int64_t number, int64_t rows, StepResult& result);

  RunConfig config_;
  at::Device device_;
  std::shared_ptr<const Dataset> data_;
  Model model_;
  std::unique_ptr<AdamW> optimizer_;
  FlopsPerToken flops_;
  Progress progress_;
  Tensor live_slots_;            // scalar, since the last count_flops()
  double rows_executed_ = 0, counted_tokens_ = 0;
};

}  // namespace moe

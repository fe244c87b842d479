// One optimizer step, readable from top to bottom, and the state that a checkpoint must hold.
#pragma once

#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "train/bad_steps.h"
#include "train/began_with.h"
#include "train/flops.h"
#include "train/gradient_sum.h"
#include "train/master_weights.h"
#include "train/model.h"
#include "train/optimizer.h"
#include "train/run_config.h"
#include "train/step_batches.h"
#include "train/tensor_parts.h"

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
  double joules = std::numeric_limits<double>::quiet_NaN();  // the same; not a number: not measured
  int64_t train_bytes = 0, valid_bytes = 0;  // the text it was begun on
  BadSteps bad_steps;
  std::optional<BeganWith> began_with;  // of a continued run (init.from)
};

// One step's figures, of all ranks; tensors are still on the device.
struct StepResult {
  Verdict verdict = Verdict::kGood;  // of a bad step nothing but the data position is left
  std::string problem;               // what was wrong with a bad one, as a sentence's subject
  bool stop = false;                 // whether any rank has asked to stop
  int64_t step = 0;                  // its number, from 1
  int64_t first_row = 0, rows = 0;   // of the training data
  double packing = 1;                // share of its positions that are not padding
  double lr = 0;
  Tensor loss;        // mean cross-entropy per target token, nats
  Tensor grad_norm;   // before clipping
  struct Aux {
    Tensor value;     // mean over layers and micro-steps
    int64_t count = 0;
  };
  std::map<std::string, Aux> aux;
  // By layer, over micro-steps; with diagnostics in steps that are logged.
  std::map<int64_t, GateStats> gates;
};

// Throws ConfigError for optimizer.groups that do not fit the model's parameters. Holds no memory for
// them, so that it can be asked before anything is written.
void check_parameter_groups(const RunConfig& config, int64_t vocabulary);

class Trainer {
 public:
  Trainer(const RunConfig& config, int64_t vocabulary, std::shared_ptr<const Dataset> data,
          const Mesh& mesh = {}, int64_t local_rank = 0);

  // Forward, backward and update, together with all ranks. A bad step (train/bad_steps.h) leaves
  // parameters, moments and gates as they were; the data position, the counters and the step go on.
  // `stop`: this rank asks to stop after the step.
  StepResult step(bool stop = false);
  // Its first half: afterwards parameters have their gradients, and nothing else has changed but the data
  // position. For comparing layouts.
  StepResult gradients(bool stop = false);
  // Adds up what the steps since the last call did to progress().flops. Waits for the device.
  void count_flops();

  // What checkpoints hold, as far as this rank has it: originals of parameters and gates' buffers; moments.
  std::vector<TensorPart> model_parts();
  std::vector<TensorPart> moment_parts() { return optimizer_->state(); }

  // The first parameter with a value that is not finite, on any rank, or "". Waits for the device.
  std::string nonfinite_parameter() const;

  Model& model() { return model_; }
  MasterWeights& weights() { return weights_; }
  AdamW& optimizer() { return *optimizer_; }
  Progress& progress() { return progress_; }
  const Progress& progress() const { return progress_; }
  const FlopsPerToken& flops() const { return flops_; }
  at::Device device() const { return device_; }
  // Of its vocabulary, with the sentinels that its objective may use.
  SpecialIds special_ids() const;
  const Mesh& mesh() const { return mesh_; }

 private:
  // Forward and backward of one micro-step; adds its shares to `result`.
  void micro_step(int64_t number, const MicroBatch& micro, double target_tokens, StepResult& result);
  // What ranks have of a step's figures becomes everyone's sum.
  void add_up(StepResult& result, bool stop);
  void judge(StepResult& result);
  // Gates change their state.
  void end_gates_step(const StepResult& result);
  std::string describe_problem(const StepResult& result) const;

  RunConfig config_;
  Mesh mesh_;
  at::Device device_;
  std::shared_ptr<const Dataset> data_;
  Model model_;
  MasterWeights weights_;
  std::unique_ptr<AdamW> optimizer_;
  std::unique_ptr<GradientSum> gradient_sum_;
  FlopsPerToken flops_;
  Progress progress_;
  // Since the last count_flops():
  Tensor live_flops_;  // scalar: forward of the experts' live slots
  double executed_flops_ = 0;  // of experts
  StepAmounts counted_;
  double step_executed_ = 0;  // of this rank, in the step under way
};

}  // namespace moe

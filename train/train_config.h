// Sections `run`, `optimizer`, `schedule`, `train`, `checkpoint`, `log` and `sweep`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "configs/fields.h"

namespace moe {

struct RunSection {
  std::string name;
  std::string dir;
  int64_t seed = 1;
  void fields(Fields& f);
};

// What one of optimizer.groups does to the parameters it fits.
struct ParameterGroupConfig {
  std::vector<std::string> match;
  double lr = 1;
  double weight_decay = 1;
  bool freeze = false;
  void fields(Fields& f);
};

struct OptimizerConfig {
  double beta1 = 0.9;
  double beta2 = 0.95;
  double eps = 1e-8;
  double weight_decay = 0.1;
  double clip = 1;
  NamedSections<ParameterGroupConfig> groups;
  void fields(Fields& f);
  void check(Rules& rules) const;
};

struct ScheduleConfig {
  std::string kind = "cosine";
  double lr = 1e-3;
  int64_t warmup = 100;
  double final_ratio = 0.1;
  void fields(Fields& f);
};

struct TrainConfig {
  int64_t steps = 1000;
  double extra_compute = 0;  // replaces steps (train/extra_compute.h)
  int64_t batch_tokens = 8192;
  int64_t accumulate = 1;
  int64_t eval_every = 250;
  int64_t eval_tokens = 65536;
  std::string device = "auto";
  int64_t threads = 0;
  std::string dtype = "fp32";
  bool recompute = false;
  double logit_z_loss = 0;
  std::string on_nonfinite = "skip";
  double spike = 0;
  int64_t bad_steps = 10;
  void fields(Fields& f);
};

struct CheckpointConfig {
  int64_t every = 500;
  int64_t keep = 2;
  void fields(Fields& f);
};

struct LogConfig {
  int64_t every = 10;
  std::string level = "info";
  bool diagnostics = true;
  bool tensorboard = true;
  double peak_tflops = 0;
  void fields(Fields& f);
};

struct SweepConfig {
  std::vector<int64_t> seeds = {};
  Fields::NamedLists variants;
  bool given() const { return !variants.empty(); }
  void fields(Fields& f);
  void check(Rules& rules) const;
};

}  // namespace moe

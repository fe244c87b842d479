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

struct OptimizerConfig {
  double beta1 = 0.9;
  double beta2 = 0.95;
  double eps = 1e-8;
  double weight_decay = 0.1;
  double clip = 1;
  void fields(Fields& f);
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
  int64_t batch_tokens = 8192;
  int64_t accumulate = 1;
  int64_t eval_every = 250;
  int64_t eval_tokens = 65536;
  std::string device = "auto";
  int64_t threads = 0;
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

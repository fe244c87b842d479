// The whole configuration of a run, assembled from the sections' structs. Free of LibTorch.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "configs/fields.h"
#include "data/data_config.h"
#include "data/objective_config.h"
#include "layers/decoder_config.h"
#include "moe/moe_config.h"
#include "train/energy_config.h"
#include "train/init_config.h"
#include "train/parallel_config.h"
#include "train/train_config.h"

namespace moe {

struct ModelConfig : DecoderConfig {
  std::optional<MoeConfig> moe;  // none: the dense twin

  void fields(Fields& f);
  void check(Rules& rules) const;
};

struct RunConfig {
  RunSection run;
  InitConfig init;
  ModelConfig model;
  DataConfig data;
  KindChoice objective{objective_kinds(), "causal"};
  OptimizerConfig optimizer;
  ScheduleConfig schedule;
  TrainConfig train;
  ParallelConfig parallel;
  CheckpointConfig checkpoint;
  LogConfig log;
  EnergyConfig energy;
  SweepConfig sweep;

  // What keys the order of the training data. A run that continues a checkpoint draws in an order of its own, whatever
  // its objective: with the base run's seed, plain causal rows would otherwise be those again that the base has read.
  uint64_t data_seed() const;
  // Rows of `model.context` tokens in one micro-step.
  int64_t rows_per_micro_step() const;
  void fields(Fields& f);
  void check(Rules& rules) const;
};

// `run.name` where the file leaves it empty: the config's stem, every override that makes it another
// run, and the seed: "quickstart-top_k-s1".
std::string default_run_name(const std::string& config_path,
                             const std::vector<std::string>& overrides, int64_t seed);

// Whether a run may be continued with another value of this key.
bool may_change_on_resume(const std::string& key);

}  // namespace moe

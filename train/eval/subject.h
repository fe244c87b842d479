// A checkpoint that is measured.
#pragma once

#include <memory>
#include <string>

#include "data/tokenizer.h"
#include "train/decode.h"
#include "train/model.h"

namespace moe {

struct Subject {
  std::string checkpoint;  // its folder
  std::string run;         // its run's folder; empty where it is in none
  RunConfig config;
  int64_t step = 0;
  double progress = 1;     // the share of its run that was done
  at::Device device = at::kCPU;
  std::unique_ptr<Tokenizer> tokenizer;
  Model model;

  const ObjectiveConfig& objective() const { return objective_config(config.objective); }
  // What decode() takes; the subject outlives it.
  Reader reader();
};

// `path` as in find_checkpoint(). Throws what that and load_model() throw.
Subject open_subject(const std::string& path);

// The folder of the run that this checkpoint's folder belongs to: the one with config.yaml and checkpoints/ that holds
// it. Empty where there is none. Throws nothing.
std::string run_of_checkpoint(const std::string& checkpoint);

// How many threads are worth it: as a run of the subject takes, for rows of its context; for single tokens of a small
// model one alone.
void use_threads_for_rows(const Subject& subject);
void use_threads_for_tokens(const Subject& subject);

}  // namespace moe

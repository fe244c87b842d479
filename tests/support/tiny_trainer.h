// A trainer in this process over the tiny run's model and text.
#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "configs/config_io.h"
#include "data/open_data.h"
#include "data/tokenizer.h"
#include "tests/support/tiny_run.h"
#include "train/trainer.h"

namespace moe {

inline RunConfig tiny_config(const TinyRun& tiny, const std::vector<std::string>& overrides = {}) {
  auto all = overrides;
  all.push_back("data.train=" + tiny.file("text.txt"));
  return load_config<RunConfig>(tiny.file("tiny.yaml"), all);
}

inline std::unique_ptr<Trainer> tiny_trainer(const RunConfig& config) {
  at::set_num_threads(static_cast<int>(config.train.threads));  // as a run does
  const auto data =
      open_data(config.data, config.objective, config.model.context, static_cast<uint64_t>(config.run.seed));
  const auto vocabulary = make_tokenizer(config.data.tokenizer)->vocabulary();
  return std::make_unique<Trainer>(config, vocabulary, data.train);
}

// Everything that trains, the gates' state, and the optimizer's moments, by name.
inline std::vector<std::pair<std::string, Tensor>> tensors_of(Trainer& trainer) {
  std::vector<std::pair<std::string, Tensor>> all;
  for (const auto& part : trainer.optimizer().state()) all.emplace_back(part.name, part.values);
  for (const auto& item : trainer.model().decoder->named_parameters()) {
    all.emplace_back(item.key(), item.value());
  }
  for (const auto& item : trainer.model().decoder->named_buffers()) {
    all.emplace_back(item.key(), item.value());
  }
  return all;
}

// The names of those that differ in any bit.
inline std::vector<std::string> differing(Trainer& a, Trainer& b) {
  std::vector<std::string> names;
  const auto of_a = tensors_of(a), of_b = tensors_of(b);
  for (size_t i = 0; i < std::max(of_a.size(), of_b.size()); ++i) {
    if (i >= of_a.size() || i >= of_b.size() || of_a[i].first != of_b[i].first) {
      names.push_back("the list of tensors");
      break;
    }
    if (!at::equal(of_a[i].second, of_b[i].second)) names.push_back(of_a[i].first);
  }
  return names;
}

}  // namespace moe

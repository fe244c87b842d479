// Checkpoints of untrained weights whose gates were planted, and text to route through them.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/tiny_trainer.h"
#include "train/checkpoint.h"
#include "train/diagnose/diagnose.h"

namespace moe {

inline bool is_at_end(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

class RoutedCheckpoint : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string numbers;
    uint32_t state = 7;
    for (int i = 0; i < 8000; ++i) {
      state = state * 1664525u + 1013904223u;
      numbers += static_cast<char>('0' + (state >> 16) % 10);
    }
    tiny_.files().write_file("numbers.txt", numbers);
    std::string mixed;
    const auto words = tiny_text();
    // Every row of the model has twelve bytes of words and four digits.
    for (size_t at = 0; at < 6000; at += 12) mixed += words.substr(at, 12) + numbers.substr(at, 4);
    tiny_.files().write_file("mixed.txt", mixed);
  }

  // A checkpoint of untrained weights, changed by `plant`.
  std::string checkpoint(const std::string& name, std::vector<std::string> overrides,
                         const std::function<void(const std::string&, Tensor)>& plant = {}) {
    const bool sources = std::any_of(overrides.begin(), overrides.end(), [](const auto& text) {
      return text.rfind("data.sources", 0) == 0;
    });
    overrides.push_back(sources ? "data.train=[]" : "data.train=" + tiny_.file("text.txt"));
    auto config = load_config<RunConfig>(tiny_.file("tiny.yaml"), overrides);
    const auto trainer = tiny_trainer(config);
    at::NoGradGuard no_grad;
    for (auto& item : trainer->model().decoder->named_parameters()) {
      if (plant) plant(item.key(), item.value());
    }
    return save_checkpoint(tiny_.file(name), *trainer, print_config(view_of(config)));
  }

  // Digits go to expert 3 and all else to expert 0, in every layer: a token is its embedding alone.
  static void plant_digits(const std::string& name, Tensor value) {
    if (is_at_end(name, "attention.out") || is_at_end(name, "experts.down")) value.zero_();
    if (name == "embedding") {
      value.zero_();
      value.select(1, 1).fill_(1);
      value.slice(0, '0', '9' + 1).select(1, 1).zero_();
      value.slice(0, '0', '9' + 1).select(1, 0).fill_(1);
    }
    if (is_at_end(name, "gate.weight")) {
      value.zero_();
      value[3][0] = 1;
      value[0][1] = 1;
    }
  }
  static void turn_gates(const std::string& name, Tensor value) {
    if (is_at_end(name, "gate.weight")) value.neg_();
  }

  Diagnosis found(const std::string& path, const std::string& text = "mixed.txt") const {
    return diagnose(options_of(path, text));
  }
  DiagnoseOptions options_of(const std::string& path, const std::string& text = "mixed.txt") const {
    DiagnoseOptions options;
    options.path = path;
    if (!text.empty()) options.data = tiny_.file(text);
    options.tokens = 4096;
    return options;
  }
  Finished program(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), MOE_BIN_DIR "/moe-diagnose");
    return run_to_end(arguments, tiny_.folder());
  }

  TinyRun tiny_;
};

}  // namespace moe

// moe-train --verify-layout: one step of the ranks' layout against one rank, at one state or at several in a
// row: loss, auxiliary losses, loads and every gradient.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "data/formats/json_text.h"
#include "train/run.h"

namespace moe {

struct LayoutCheck {
  int64_t states = 0;
  int64_t first_step = 0;  // of the run's newest checkpoint, or 0
  double tolerance = 0;    // 1e-5 in fp32, 1e-10 in fp64, 3e-2 in bf16
  // What was compared, in the model's order, with |a - b| / |b| (2-norm) of the worst rank and state; infinite
  // where one is not finite or only b is 0.
  std::vector<std::pair<std::string, double>> differences;
  // The first one above the tolerance, and the state in which; empty, -1.
  std::string first;
  int64_t first_state = -1;
  std::string note;  // why a difference is no surprise, or ""
};

// Beginning with the run's newest good checkpoint where it has one, else with its first values. Every rank
// also holds the whole model and computes the whole batch. Nothing is written. Throws UserError.
LayoutCheck verify_layout(RunConfig config, int64_t states, const Ranks& ranks);

std::string layout_text(const LayoutCheck& check, const Mesh& mesh);
Json layout_json(const LayoutCheck& check, const Mesh& mesh);

}  // namespace moe

// One reading of text through a checkpoint's model, and what is added up of every layer meanwhile.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "train/model.h"
#include "train/routed/agreement.h"
#include "train/routed/rank_load.h"
#include "train/routed/routing_dump.h"
#include "train/routed/routing_tally.h"

namespace moe {

// A model and the share of its run that was done, which gates' schedules follow.
struct RoutedModel {
  RunConfig config;
  Model model;
  double progress = 1;
};

struct LayerPass {
  GateStats sums;
  double max_vio = 0;  // summed over batches
  std::optional<RoutingTally> tally;
  std::optional<RankLoad> ranks;
  std::optional<Agreement> agreement;
};

struct RoutePass {
  std::map<int64_t, LayerPass> layers;
  int64_t batches = 0, tokens = 0;
  double loss = 0, targets = 0;
};

struct PassOptions {
  int64_t tokens = 0;            // at most, rounded up to whole rows; of several sources by share
  int64_t ranks = 0;             // 0: no load of ranks
  RoutedModel* reference = nullptr;   // reads the same text, where there is one
  RoutingDump* dump = nullptr;
};

// Dropless and noise-free. In batches of the size of a micro-step of this reader's config.
RoutePass read_text(RoutedModel& reader, const std::vector<ValidationRows>& sources, at::Device device,
                    const PassOptions& options);

// As a step of training does, for the sake of its capacity: the sums alone, by layer.
std::map<int64_t, GateStats> read_with_capacity(RoutedModel& reader,
                                                const std::vector<ValidationRows>& sources,
                                                at::Device device, int64_t tokens);

}  // namespace moe

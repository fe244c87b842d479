// The objectives that there are, each with its settings (data/objective_config.h).
#pragma once

#include "data/objective_config.h"

namespace moe {

struct CausalObjective : ObjectiveConfig {
  NamedSections<DenoiserConfig> denoisers() const override { return {}; }
};

struct PrefixObjective : ObjectiveConfig {
  std::string mode = "none";
  bool split_sentinel = false;

  void fields(Fields& f) override;
  NamedSections<DenoiserConfig> denoisers() const override;
  bool sentinel_at_split() const override { return split_sentinel; }
};

struct SpanCorruptionObjective : ObjectiveConfig {
  DenoiserConfig denoiser;
  std::optional<int64_t> most_sentinels;

  void fields(Fields& f) override;
  NamedSections<DenoiserConfig> denoisers() const override { return {{"span_corruption", denoiser}}; }
  std::optional<int64_t> sentinels() const override { return most_sentinels; }
};

struct Ul2Objective : ObjectiveConfig {
  std::string mixture = "ul2r";
  NamedSections<DenoiserConfig> own;
  std::optional<int64_t> most_sentinels;
  bool split_sentinel = false;

  void fields(Fields& f) override;
  void check(Rules& rules) const override;
  // The mixture's, or one's own. Weights as they are written; shares are weights over their sum.
  NamedSections<DenoiserConfig> denoisers() const override;
  std::optional<int64_t> sentinels() const override { return most_sentinels; }
  bool sentinel_at_split() const override { return split_sentinel; }
};

}  // namespace moe

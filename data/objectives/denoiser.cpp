#include "data/objectives/denoiser.h"

#include "data/objectives/span_sampler.h"

namespace moe {

Denoiser::Denoiser(const DenoiserConfig& config, const SpecialIds& special, bool sentinel_at_split)
    : config_(config),
      special_(special),
      mode_(special.mode(config.mode)),
      sentinel_at_split_(sentinel_at_split) {}

Example Denoiser::example(const int64_t* text, int64_t length, Draws& draws) const {
  Example made;
  auto& ids = made.ids;
  if (mode_ >= 0) ids.push_back(mode_);
  if (config_.kind == "prefix") {
    const auto split = 1 + static_cast<int64_t>(draws.below(static_cast<uint64_t>(length - 1)));
    ids.insert(ids.end(), text, text + split);
    if (sentinel_at_split_) ids.push_back(special_.sentinel(0));
    made.inputs = static_cast<int64_t>(ids.size());
    ids.insert(ids.end(), text + split, text + length);
  } else {
    const auto spans = sample_spans(length, config_.rate, config_.mean_span, draws);
    int64_t place = 0, k = 0;
    for (const auto& span : spans) {
      ids.insert(ids.end(), text + place, text + span.begin);
      ids.push_back(special_.sentinel(k++));
      place = span.end;
    }
    ids.insert(ids.end(), text + place, text + length);
    ids.push_back(special_.end);
    made.inputs = static_cast<int64_t>(ids.size());
    k = 0;
    for (const auto& span : spans) {
      ids.push_back(special_.sentinel(k++));
      ids.insert(ids.end(), text + span.begin, text + span.end);
    }
  }
  ids.push_back(special_.end);
  return made;
}

int64_t Denoiser::longest_text(int64_t ids) const { return longest_example_text(config_, sentinel_at_split_, ids); }

int64_t Denoiser::sentinels_for(int64_t length) const {
  if (config_.kind == "prefix") return sentinel_at_split_ ? 1 : 0;
  return span_counts(length, config_.rate, config_.mean_span).spans;
}

}  // namespace moe

// How a model is asked to go on with a text: behind which mode token, and whether it sees all of the text at once.
#pragma once

#include <string>

#include "data/objective_config.h"
#include "data/tokenizer.h"
#include "train/decode.h"

namespace moe {

struct PromptForm {
  std::string mode = "none";   // of mode_words(), or none
  bool bidirectional = false;  // every token of the prompt sees all of it
  bool sentinel = false;       // the first sentinel ends it
};

// As a model of this objective was trained to go on, where the words leave it open.
//   attention   auto, causal or bidirectional; auto: bidirectional where any denoiser makes prefixes
//   mode        auto, none or one of mode_words(); auto: of a bidirectional prompt that of the first `prefix` denoiser,
//               if there is one
// A bidirectional prompt ends with the first sentinel where prefixes did in training.
PromptForm prompt_form(const ObjectiveConfig& objective, const std::string& attention, const std::string& mode);

// The mode for filling blanks: as said, or for auto that of the first `span_corruption` denoiser, if there is one.
std::string infill_mode(const ObjectiveConfig& objective, const std::string& mode);

// The mode's id, or nothing for none. Throws ConfigError where the vocabulary has none for it.
std::vector<int64_t> mode_ids(const Tokenizer& tokenizer, const std::string& mode);

// Never empty: without a text the end of one comes first.
Given given_prompt(const Tokenizer& tokenizer, const std::string& text, const PromptForm& form);

}  // namespace moe

#include "train/prompt.h"

#include <algorithm>

#include "configs/errors.h"
#include "configs/suggest.h"

namespace moe {
namespace {

// The mode of the first denoiser of this kind; null where there is none.
const std::string* mode_of_first(const NamedSections<DenoiserConfig>& denoisers, const std::string& kind) {
  const auto found = std::find_if(denoisers.begin(), denoisers.end(),
                                  [&](const auto& each) { return each.second.kind == kind; });
  return found == denoisers.end() ? nullptr : &found->second.mode;
}

}  // namespace

PromptForm prompt_form(const ObjectiveConfig& objective, const std::string& attention, const std::string& mode) {
  const auto denoisers = objective.denoisers();
  const auto* prefix_mode = mode_of_first(denoisers, "prefix");
  PromptForm form;
  form.bidirectional =
      attention == "bidirectional" ||
      (attention == "auto" && std::any_of(denoisers.begin(), denoisers.end(),
                                          [](const auto& each) { return each.second.kind != "causal"; }));
  const bool as_trained = form.bidirectional && prefix_mode != nullptr;
  if (mode != "auto") {
    form.mode = mode;
  } else if (as_trained) {
    form.mode = *prefix_mode;
  }
  form.sentinel = as_trained && objective.sentinel_at_split();
  return form;
}

std::string infill_mode(const ObjectiveConfig& objective, const std::string& mode) {
  if (mode != "auto") {
    return mode;
  }
  const auto denoisers = objective.denoisers();
  const auto* found = mode_of_first(denoisers, "span_corruption");
  return found == nullptr ? "none" : *found;
}

std::vector<int64_t> mode_ids(const Tokenizer& tokenizer, const std::string& mode) {
  if (mode == "none") {
    return {};
  }
  const int64_t id = tokenizer.special_ids().mode(mode);
  if (id < 0) {
    throw ConfigError("mode: expected none, or one of " + join(mode_words()) +
                      " that the vocabulary has a token for, found '" + mode + "'; take --mode none");
  }
  return {id};
}

Given given_prompt(const Tokenizer& tokenizer, const std::string& text, const PromptForm& form) {
  Given given;
  given.ids = mode_ids(tokenizer, form.mode);
  given.kept = static_cast<int64_t>(given.ids.size());
  auto encoded = tokenizer.encode(text);
  if (encoded.empty()) {
    encoded.push_back(tokenizer.end_id());
  }
  given.ids.insert(given.ids.end(), encoded.begin(), encoded.end());
  if (form.sentinel) {
    given.ids.push_back(tokenizer.special_ids().sentinel(0));
  }
  given.prefix = form.bidirectional ? static_cast<int64_t>(given.ids.size()) : 0;
  return given;
}

}  // namespace moe

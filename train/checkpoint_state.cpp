#include "train/checkpoint_state.h"

#include <algorithm>
#include <vector>

#include "configs/errors.h"
#include "data/formats/file.h"
#include "data/printable.h"

namespace moe {
namespace {

constexpr int64_t kFormat = 1;

// Holds the config, which is a megabyte at most, escaped.
constexpr uint64_t kLongestState = uint64_t{1} << 24;

std::string state_path(const std::string& folder) { return folder + "/state.json"; }

std::vector<double> losses_at(const Json& object, const std::string& key, const std::string& name) {
  const auto list = object.find(key);
  if (list == object.end() || !list->is_array() || list->size() > BadSteps::kWindow ||
      !std::all_of(list->begin(), list->end(), [](const Json& loss) { return loss.is_number(); })) {
    throw RunError(name + ": " + key + ": expected a list of at most " +
                   std::to_string(BadSteps::kWindow) + " numbers");
  }
  return list->get<std::vector<double>>();
}

// Parameters that began later than the count of steps says (AdamW::set_steps).
AdamW::Late late_at(const Json& state, const std::string& name) {
  AdamW::Late late;
  const auto found = state.find("late_moments");
  if (found == state.end()) {
    return late;
  }
  const auto of = name + ": late_moments";
  if (!found->is_object()) {
    throw RunError(of + ": expected an object");
  }
  for (const auto& item : found->items()) {
    late[item.key()] = count_at(*found, item.key(), of);
  }
  return late;
}

Json read_state(const std::string& folder) {
  const auto path = state_path(folder);
  const auto state = read_json_object(path, kLongestState);
  if (!state.contains("format") || state["format"] != kFormat) {
    throw CheckError(path + ": expected an object with \"format\": " + std::to_string(kFormat) +
                     "; it was written by another version, or is not a checkpoint's");
  }
  return state;
}

Json special_json(const SpecialIds& special) {
  Json modes = Json::object();
  for (const auto& word : mode_words()) {
    modes[word] = special.mode(word);
  }
  return {{"end", special.end},
          {"modes", modes},
          {"first_sentinel", special.first_sentinel},
          {"sentinels", special.sentinels}};
}

}  // namespace

std::string state_text(Trainer& trainer, const std::string& config_yaml) {
  const auto& p = trainer.progress();
  Json state = {{"format", kFormat},
                      {"step", p.step},
                      {"row", p.row},
                      {"tokens", p.tokens},
                      {"target_tokens", p.target_tokens},
                      {"flops", p.flops},
                      {"flops_attention", p.flops_attention},
                      {"flops_executed", p.flops_executed},
                      {"seconds", p.seconds},
                      {"joules", number_or_null(p.joules)},
                      {"train_bytes", p.train_bytes},
                      {"valid_bytes", p.valid_bytes},
                      {"optimizer_steps", trainer.optimizer().steps()},
                      {"bad_steps",
                       {{"nonfinite", p.bad_steps.nonfinite},
                        {"spikes", p.bad_steps.spikes},
                        {"rollbacks", p.bad_steps.rollbacks},
                        {"recent_losses", p.bad_steps.recent}}},
                      {"special_ids", special_json(trainer.special_ids())},
                      {"config", config_yaml}};
  if (p.began_with) {
    state["began_with"] = began_with_json(*p.began_with);
  }
  if (const auto& late = trainer.optimizer().late(); !late.empty()) {
    state["late_moments"] = late;
  }
  return state.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

void load_state(const std::string& folder, Trainer& trainer) {
  const auto state = read_state(folder);
  const auto name = in_quotes(state_path(folder));
  const auto count = [&](const char* key) { return count_at(state, key, name); };
  const auto number = [&](const char* key) { return number_at(state, key, name); };
  auto& p = trainer.progress();
  p.step = count("step");
  p.row = count("row");
  p.tokens = number("tokens");
  p.target_tokens = number("target_tokens");
  p.flops = number("flops");
  p.flops_attention = number("flops_attention");
  p.flops_executed = number("flops_executed");
  p.seconds = number("seconds");
  p.joules = number_or_nan(state, "joules", name);  // 0.1.0 wrote none, nor what a run had begun with
  p.began_with.reset();
  if (const auto began = state.find("began_with"); began != state.end()) {
    p.began_with = parse_began_with(*began, name + ": began_with");
  }
  p.train_bytes = count("train_bytes");
  p.valid_bytes = count("valid_bytes");
  trainer.optimizer().set_steps(count("optimizer_steps"), late_at(state, name));
  p.bad_steps = {};
  if (const auto bad = state.find("bad_steps"); bad != state.end()) {  // 0.1.0 wrote none
    const auto of = name + ": bad_steps";
    p.bad_steps.nonfinite = count_at(*bad, "nonfinite", of);
    p.bad_steps.spikes = count_at(*bad, "spikes", of);
    p.bad_steps.rollbacks = count_at(*bad, "rollbacks", of);
    p.bad_steps.recent = losses_at(*bad, "recent_losses", of);
  }
}

Json state_special_ids(const std::string& folder) { return read_state(folder).value("special_ids", Json()); }

std::string state_config(const std::string& folder) {
  return text_at(read_state(folder), "config", in_quotes(state_path(folder)));
}

OptimizerSteps state_optimizer(const std::string& folder) {
  const auto state = read_state(folder);
  const auto name = in_quotes(state_path(folder));
  return {count_at(state, "optimizer_steps", name), late_at(state, name)};
}

BeganWith state_cost(const std::string& folder) {
  const auto state = read_state(folder);
  const auto name = in_quotes(state_path(folder));
  BeganWith before;
  before.joules = 0;
  if (const auto began = state.find("began_with"); began != state.end()) {
    before = parse_began_with(*began, name + ": began_with");
  }
  const auto sum = [&](const char* key, double value) { return value + number_at(state, key, name); };
  return {folder,
          count_at(state, "step", name),
          sum("tokens", before.tokens),
          sum("target_tokens", before.target_tokens),
          sum("flops", before.flops),
          sum("flops_attention", before.flops_attention),
          sum("seconds", before.seconds),
          before.joules + number_or_nan(state, "joules", name)};
}

int64_t state_step(const std::string& folder) {
  return count_at(read_state(folder), "step", in_quotes(state_path(folder)));
}

}  // namespace moe

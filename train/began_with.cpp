#include "train/began_with.h"

#include <cmath>
#include <exception>

#include "train/environment.h"

namespace moe {

Json began_with_json(const BeganWith& began_with) {
  return {{"checkpoint", began_with.checkpoint},
          {"step", began_with.step},
          {"tokens", began_with.tokens},
          {"target_tokens", began_with.target_tokens},
          {"flops", began_with.flops},
          {"flops_attention", began_with.flops_attention},
          {"seconds", began_with.seconds},
          {"joules", number_or_null(began_with.joules)}};
}

BeganWith parse_began_with(const Json& object, const std::string& name) {
  BeganWith began_with;
  began_with.checkpoint = text_at(object, "checkpoint", name);
  began_with.step = count_at(object, "step", name);
  began_with.tokens = number_at(object, "tokens", name);
  began_with.target_tokens = number_at(object, "target_tokens", name);
  began_with.flops = number_at(object, "flops", name);
  began_with.flops_attention = number_at(object, "flops_attention", name);
  began_with.seconds = number_at(object, "seconds", name);
  began_with.joules = number_or_nan(object, "joules", name);
  return began_with;
}

std::optional<BeganWith> read_beginning(const std::string& run_folder) {
  try {
    return parse_began_with(read_environment(run_folder).at("began_with"), run_folder + "/environment.json");
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(); }

double number_or_nan(const Json& object, const std::string& key, const std::string& name) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? std::numeric_limits<double>::quiet_NaN()
                                                   : number_at(object, key, name);
}

}  // namespace moe

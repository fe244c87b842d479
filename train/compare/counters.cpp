#include "train/compare/counters.h"

#include <map>

#include "train/compare/statistics.h"

namespace moe {
namespace {

constexpr const char* kTotal = "total_";
constexpr const char* kWithoutAttention = "flops_without_attention";

double number_in(const Json& object, const std::string& key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : kNan;
}

double own_counter(const Json& row, const std::string& name) {
  return name == kWithoutAttention ? number_in(row, "flops") - number_in(row, "flops_attention")
                                   : number_in(row, name);
}

}  // namespace

const std::vector<std::string>& row_counters() {
  static const std::vector<std::string> counters = {"tokens",         "target_tokens", "flops",  "flops_attention",
                                                    "flops_executed", "seconds",       "joules"};
  return counters;
}

double counter_before(const RunRecord& run, const std::string& counter) {
  if (!run.began) {
    return run.continued() ? kNan : 0;
  }
  const auto& began = *run.began;
  const std::map<std::string, double> costs = {{"tokens", began.tokens},
                                               {"target_tokens", began.target_tokens},
                                               {"flops", began.flops},
                                               {"flops_attention", began.flops_attention},
                                               {kWithoutAttention, began.flops - began.flops_attention},
                                               {"seconds", began.seconds},
                                               {"joules", began.joules}};
  const auto found = costs.find(counter);
  return found == costs.end() ? kNan : found->second;
}

double counter_at(const RunRecord& run, const Json& row, const std::string& axis) {
  if (axis.rfind(kTotal, 0) != 0) {
    return own_counter(row, axis);
  }
  const auto counter = axis.substr(std::string(kTotal).size());
  return counter_before(run, counter) + own_counter(row, counter);
}

std::string flops_axis(AttentionFlops convention) {
  return convention == AttentionFlops::kWith ? "flops" : kWithoutAttention;
}

std::string with_flops_axis(const std::string& axis, AttentionFlops convention) {
  const bool total = axis == std::string(kTotal) + "flops";
  return total || axis == "flops" ? (total ? kTotal : "") + flops_axis(convention) : axis;
}

std::string axis_label(const std::string& axis) {
  static const std::map<std::string, std::string> labels = {
      {"tokens", "tokens"},
      {"target_tokens", "target tokens"},
      {"flops", "FLOPs"},
      {"flops_executed", "FLOPs executed"},
      {kWithoutAttention, "FLOPs without attention"},
      {"seconds", "seconds of training"},
      {"joules", "joules"}};
  const bool total = axis.rfind(kTotal, 0) == 0;
  const auto name = total ? axis.substr(std::string(kTotal).size()) : axis;
  const auto found = labels.find(name);
  return std::string(total ? "total " : "") + (found == labels.end() ? name : found->second);
}

}  // namespace moe

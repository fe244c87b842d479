#include "train/init_differences.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "configs/config_io.h"
#include "train/model.h"

namespace moe {
namespace {

std::string text(int64_t value) { return std::to_string(value); }

std::string both(const std::string& there, const std::string& here) {
  return there + " there, " + here + " here";
}

bool about_model(const std::string& key) {
  static const std::set<std::string> kHarmless = {"model.context", "model.moe.dispatch",
                                                  "model.moe.allow_future_leak",
                                                  "model.moe.max_slots_per_chunk", "model.moe.layers"};
  const bool gate = key.rfind("model.moe.gate.", 0) == 0 ||
                    (key.rfind("model.moe.layers.", 0) == 0 && key.find(".gate.") != std::string::npos);
  return (key.rfind("model.", 0) == 0 || key == "data.tokenizer") && !gate && !kHarmless.count(key);
}

// One line for every tensor that is not the same on both sides.
std::vector<std::string> differing_tensors(const TensorShapes& given, const TensorShapes& wanted) {
  std::map<std::string, std::string> left(given.begin(), given.end());
  std::vector<std::string> lines;
  for (const auto& [name, shape] : wanted) {
    const auto found = left.find(name);
    if (found == left.end()) {
      lines.push_back(name + ": " + both("not", shape));
    } else if (found->second != shape) {
      lines.push_back(name + ": " + both(found->second, shape));
    }
    left.erase(name);
  }
  for (const auto& [name, shape] : left) {
    lines.push_back(name + ": " + both(shape, "not"));
  }
  return lines;
}

// Where experts' widths come from, which no differing key may show: d_hidden is auto on both sides,
// and k is the gate's.
std::string width_advice(const ModelConfig& there, const ModelConfig& here) {
  if (!there.moe || !here.moe) {
    return "";
  }
  std::set<int64_t> enough;  // active widths with which a layer's experts would be as wide as there
  std::string first;
  for (int64_t layer = 0; layer < std::min(there.layers, here.layers); ++layer) {
    if (!there.moe->has_experts(layer) || !here.moe->has_experts(layer)) {
      continue;
    }
    const int64_t was = there.moe->expert_width(layer, there.active_width);
    const int64_t is = here.moe->expert_width(layer, here.active_width);
    const auto slots = [layer](const MoeConfig& moe) {
      return "(" + text(moe.slots(layer)) + " + " + text(moe.shared_experts) + ")";
    };
    enough.insert(was * (here.moe->slots(layer) + here.moe->shared_experts));
    if (was != is && first.empty()) {
      first = "\nExperts of layer " + text(layer) + " are " + text(was) + " wide there and " + text(is) +
              " here: their width is model.active_width / (k + shared_experts), k being the gate's: " +
              text(there.active_width) + " / " + slots(*there.moe) + " there, " +
              text(here.active_width) + " / " + slots(*here.moe) + " here. ";
    }
  }
  if (first.empty()) {
    return "";
  }
  const bool all_sparse = static_cast<int64_t>(here.moe->expert_layers(here.layers).size()) == here.layers;
  if (enough.size() == 1 && all_sparse) {
    return first + "To keep them, set model.active_width=" + text(*enough.begin()) +
           (here.moe->d_hidden ? " and model.moe.d_hidden=auto." : ".");
  }
  return first + "To keep them, give the gate the k that it had there.";
}

}  // namespace

void refuse_other_kinds(const std::string& checkpoint, const RunConfig& there, const RunConfig& here,
                        bool fresh_gate) {
  const auto& theirs = there.model.moe;
  const auto& ours = here.model.moe;
  if (theirs && !ours) {
    throw ConfigError("init.from: " + checkpoint +
                      " has experts, and model.moe is none here: experts cannot become one dense network. "
                      "Take model.moe=none out, or begin with a dense checkpoint");
  }
  if (!theirs && ours) {
    throw ConfigError("init.from: " + checkpoint +
                      " is of a dense model, and model.moe asks for experts here: experts are made "
                      "from a dense network where init.upcycle=true asks for it. Set that, or "
                      "model.moe=none, or begin with a checkpoint that has experts");
  }
  if (!ours || fresh_gate) {
    return;
  }
  for (int64_t layer = 0; layer < std::min(there.model.layers, here.model.layers); ++layer) {
    if (!theirs->has_experts(layer) || !ours->has_experts(layer)) {
      continue;
    }
    const auto& was = theirs->gate_of(layer).kind;
    const auto& is = ours->gate_of(layer).kind;
    if (was != is) {
      throw ConfigError("init.from: " + checkpoint + " has gate " + was + " in layer " + text(layer) +
                        ", and this model " + is +
                        ": one cannot be kept as the other. With init.gate=fresh the gates begin anew, "
                        "and all else is kept");
    }
  }
}

void refuse_other_shapes(const std::string& checkpoint, const TensorShapes& given,
                         const TensorShapes& wanted, RunConfig& there, RunConfig& here) {
  constexpr size_t kShown = 8;
  const auto tensors = differing_tensors(given, wanted);
  if (tensors.empty()) {
    return;
  }
  std::string message = "init.from: " + checkpoint + " does not fit this model:";
  for (size_t i = 0; i < std::min(tensors.size(), kShown); ++i) {
    message += "\n  " + tensors[i];
  }
  if (tensors.size() > kShown) {
    message += "\n  and " + text(static_cast<int64_t>(tensors.size() - kShown)) + " more";
  }
  const auto keys = differing_model_keys(there, here);
  message += keys.empty() ? "" : "\nThe configs differ in";
  for (const auto& key : keys) {
    message += "\n  " + key;
  }
  message += width_advice(there.model, here.model);
  const bool only_gates = std::all_of(tensors.begin(), tensors.end(), [](const std::string& line) {
    return line.substr(0, line.find(':')).find(".gate.") != std::string::npos;
  });
  if (only_gates) {
    message += "\nThese are the gates' alone: with init.gate=fresh they begin anew, and all else is kept.";
  }
  throw ConfigError(message);
}

std::vector<std::string> differing_model_keys(RunConfig& there, RunConfig& here) {
  std::map<std::string, std::string> before;
  for (const auto& [key, value] : flatten_config(view_of(there))) {
    if (about_model(key)) {
      before[key] = value;
    }
  }
  std::vector<std::string> lines;
  if (original_dtype(there.train.dtype) != original_dtype(here.train.dtype)) {
    lines.push_back("train.dtype: " + both(there.train.dtype, here.train.dtype));
  }
  for (const auto& [key, value] : flatten_config(view_of(here))) {
    const auto was = before.find(key);
    if (about_model(key) && (was == before.end() || was->second != value)) {
      lines.push_back(key + ": " + both(was == before.end() ? "nothing" : was->second, value));
    }
    before.erase(key);
  }
  for (const auto& [key, value] : before) {
    lines.push_back(key + ": " + both(value, "nothing"));
  }
  return lines;
}

}  // namespace moe

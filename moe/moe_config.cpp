#include "moe/moe_config.h"

#include <algorithm>

namespace moe {
namespace {

std::string text(int64_t value) { return std::to_string(value); }

}  // namespace

bool MoeConfig::has_experts(int64_t layer) const {
  return layer >= first_dense && (layer - first_dense + 1) % every == 0;
}

std::vector<int64_t> MoeConfig::expert_layers(int64_t layers) const {
  std::vector<int64_t> numbers;
  for (int64_t layer = 0; layer < layers; ++layer) {
    if (has_experts(layer)) {
      numbers.push_back(layer);
    }
  }
  return numbers;
}

const KindChoice& MoeConfig::gate_of(int64_t layer) const {
  for (const auto& [name, options] : layers) {
    const auto range = parse_layer_range(name);
    if (range && range->has(layer) && options.has_gate()) {
      return options.gate;
    }
  }
  return gate;
}

int64_t MoeConfig::slots(int64_t layer) const { return gate_config(gate_of(layer)).slots(experts); }

int64_t MoeConfig::expert_width(int64_t layer, int64_t active_width) const {
  return d_hidden.value_or(active_width / (slots(layer) + shared_experts));
}

void MoeConfig::fields(Fields& f) {
  f("experts", experts, "experts per layer", between(1, 65536));
  f("d_hidden", d_hidden,
    "width of one expert; auto: model.active_width / (k + shared_experts), k of the layer's gate",
    between(1, 1048576));
  f("shared_experts", shared_experts, "experts that every token passes through, beside the gate's",
    between(0, 64));
  f("first_dense", first_dense, "that many first layers have no experts", between(0, 1024));
  f("every", every, "of the other layers every n-th has experts", between(1, 1024));
  f("dispatch", dispatch,
    "`dense`: every expert on every token; `sparse`: live slots only; `auto`: sparse unless nearly "
    "all slots are live",
    one_of({"auto", "dense", "sparse"}));
  f("max_slots_per_chunk", max_slots_per_chunk,
    "live slots of a layer that are computed at once; of more, memory holds a chunk's hidden values "
    "alone and backward computes them again; 0: all at once",
    between(0, int64_t{1} << 40));
  f("allow_future_leak", allow_future_leak,
    "accept a gate that looks at later tokens; every report then says so");
  f("gate", gate, "who goes where; change `kind` to swap the gate");
  f.sections("layers", layers, "what is different in a layer (`2`) or in several (`4-7`), from 0");
}

void MoeConfig::check_gate(Rules& rules, const KindChoice& choice, const std::string& place,
                           int64_t active_width) const {
  const auto& policy = gate_config(choice);
  rules.section(place, choice);
  policy.check_experts(rules, experts, place + ".");
  const int64_t k = policy.slots(experts), all = k + shared_experts;
  const std::string sum = text(k) + " + " + text(shared_experts);
  // Of the layer's gate, where layers differ: there the key to change is the gate.
  const std::string width_key = place == "gate" ? "d_hidden" : place;
  if (d_hidden) {
    rules.require(*d_hidden * all == active_width, width_key,
                  "(k + shared_experts) x d_hidden must be model.active_width (" +
                      text(active_width) +
                      "), so that model.moe=none is the twin of equal active FLOPs; found (" + sum +
                      ") x " + text(*d_hidden) + ": set model.active_width=" +
                      text(*d_hidden * all) + ", or d_hidden to auto");
  } else {
    rules.require(active_width % all == 0 && active_width >= all, width_key,
                  "auto is model.active_width / (k + shared_experts), and " + text(active_width) +
                      " is not divisible by " + sum + ": choose a multiple of " + text(all) +
                      ", such as model.active_width=" +
                      text(std::max<int64_t>(1, active_width / all) * all));
  }
  rules.require(policy.causal() || allow_future_leak, place,
                "'" + choice.kind +
                    "' with these settings looks at later tokens, which a left-to-right model must "
                    "not see: change them, or set model.moe.allow_future_leak=true");
}

std::vector<const std::string*> MoeConfig::check_layers(Rules& rules, int64_t model_layers) const {
  std::vector<const std::string*> entry_of(static_cast<size_t>(model_layers));
  for (const auto& [name, options] : layers) {
    const std::string key = "layers." + name;
    const auto range = parse_layer_range(name);
    if (!range) {
      rules.require(false, key,
                    "expected the number of a layer, like 2, or a range, like 4-7, found '" + name +
                        "'");
      continue;
    }
    if (range->last >= model_layers) {
      rules.require(false, key,
                    "there is no layer " + text(range->last) + ": model.layers is " +
                        text(model_layers) + ", numbered from 0 to " + text(model_layers - 1));
      continue;
    }
    bool with_experts = false;
    for (int64_t layer = range->first; layer <= range->last; ++layer) {
      auto& entry = entry_of[static_cast<size_t>(layer)];
      if (entry) {
        rules.require(false, key,
                      "layer " + text(layer) + " is in '" + *entry +
                          "' already: every layer may stand in one entry");
        with_experts = true;  // one problem is enough
        break;
      }
      entry = options.has_gate() ? &name : nullptr;
      with_experts = with_experts || has_experts(layer);
    }
    rules.require(with_experts, key,
                  "no layer there has experts (first_dense is " + text(first_dense) +
                      ", every is " + text(every) + "), so a gate would do nothing: take it out");
  }
  return entry_of;
}

void MoeConfig::check(Rules& rules, int64_t active_width, int64_t model_layers) const {
  const auto numbers = expert_layers(model_layers);
  rules.require(!numbers.empty(), first_dense >= model_layers ? "first_dense" : "every",
                "leaves no layer with experts (model.layers is " + text(model_layers) +
                    ", first_dense " + text(first_dense) + ", every " + text(every) +
                    "): lower it, or set model.moe=none for a dense model");
  rules.require(max_slots_per_chunk == 0 || dispatch != "dense", "max_slots_per_chunk",
                "dispatch 'dense' computes every expert on every token at once: set "
                "model.moe.dispatch=auto, or max_slots_per_chunk to 0; found " +
                    text(max_slots_per_chunk));
  const auto entry_of = check_layers(rules, model_layers);
  // A gate that no layer has need not fit.
  if (std::any_of(numbers.begin(), numbers.end(),
                  [&](int64_t layer) { return !entry_of[static_cast<size_t>(layer)]; })) {
    check_gate(rules, gate, "gate", active_width);
  }
  for (const auto& [name, options] : layers) {
    if (options.has_gate()) {
      check_gate(rules, options.gate, "layers." + name + ".gate", active_width);
    }
  }
}

}  // namespace moe

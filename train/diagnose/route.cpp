#include "train/diagnose/route.h"

#include <cstdlib>
#include <functional>
#include <map>

#include "configs/config_io.h"
#include "configs/errors.h"
#include "data/open_data.h"
#include "data/printable.h"
#include "train/checkpoint.h"
#include "train/checkpoint_state.h"
#include "train/diagnose/keys.h"
#include "train/diagnose/route_pass.h"
#include "train/load_model.h"
#include "train/schedule.h"

namespace moe {
namespace {

std::vector<ValidationRows> text_of(const RunConfig& config, const std::string& path) {
  const int64_t length = config.model.context;
  const KindChoice causal(objective_kinds(), "causal");  // routing is compared on plain text
  if (path.empty()) {
    try {
      return open_data(config.data, causal, length, static_cast<uint64_t>(config.run.seed)).valid;
    } catch (const UserError& problem) {
      throw RunError(std::string(problem.what()) +
                     "\nThe run's own text is looked for as its config names it, from the folder "
                     "moe-diagnose is called in; --data FILE routes another one");
    }
  }
  return rows_of_file(path, "--data", config.data, causal, length);
}

// A checkpoint as its folder describes it.
struct Described {
  std::string folder, yaml;
  RunConfig config;
  int64_t step = 0;
};

Described describe(const std::string& path) {
  Described found;
  found.folder = find_checkpoint(path);
  found.yaml = checkpoint_config(found.folder);
  found.config = parse_config<RunConfig>(found.yaml, found.folder + "/state.json");
  found.step = state_step(found.folder);
  return found;
}

RoutedModel open_reader(const Described& checkpoint, at::Device device,
                   const std::vector<std::string>& overrides = {}) {
  RoutedModel reader;
  reader.config = parse_config<RunConfig>(checkpoint.yaml, checkpoint.folder + "/state.json", overrides);
  reader.model = load_model(checkpoint.folder, reader.config, device);
  reader.progress = share_done(checkpoint.step, reader.config.train.steps);
  return reader;
}

// What --against compares layer by layer, in words: equal where two checkpoints can be compared.
std::string shape_of(const RunConfig& config) {
  const auto& moe = config.model.moe;
  if (!moe) return "a dense model";
  constexpr size_t kMostNamed = 16;
  const auto layers = moe->expert_layers(config.model.layers);
  std::string text = std::to_string(moe->experts) + " experts in layers";
  for (size_t i = 0; i < layers.size() && i < kMostNamed; ++i) {
    text += (i > 0 ? ", " : " ") + std::to_string(layers[i]);
  }
  if (layers.size() > kMostNamed) {
    text += " and " + std::to_string(layers.size() - kMostNamed) + " more up to " +
            std::to_string(layers.back());
  }
  return text + ", tokenizer " + config.data.tokenizer;
}

void check_reference(const Described& checkpoint, const Described& reference) {
  const auto &mine = checkpoint.config.model, &theirs = reference.config.model;
  const bool fits = mine.moe && theirs.moe && mine.moe->experts == theirs.moe->experts &&
                    mine.moe->expert_layers(mine.layers) == theirs.moe->expert_layers(theirs.layers) &&
                    checkpoint.config.data.tokenizer == reference.config.data.tokenizer;
  if (!fits) {
    throw ConfigError("--against: expected a checkpoint with the same layers of as many experts and "
                      "the same tokenizer.\n  " + in_quotes(checkpoint.folder) + ": " +
                      shape_of(checkpoint.config) + "\n  " + in_quotes(reference.folder) + ": " +
                      shape_of(reference.config));
  }
}

// Options of moe-diagnose that say nothing of a dense model.
void check_sparse(const RunConfig& config, const RouteOptions& options, const std::string& path) {
  if (config.model.moe) return;
  const char* flag = !options.against.empty() ? "--against" : "--dump-routing";
  if (!options.against.empty() || !options.dump.empty()) {
    throw ConfigError(std::string(flag) + ": " + in_quotes(path) +
                      " is of a dense model (model.moe is none), which routes nothing: leave " +
                      flag + " out for it");
  }
}

// Calls `use` with the name and the value of every setting of a gate, of any layer, also of gates within
// gates, and with its full key.
void each_gate_setting(const RunConfig& config,
                       const std::function<void(const std::string& key, const std::string& name,
                                                const std::string& value)>& use) {
  if (!config.model.moe) return;
  for (const auto& [key, value] : config_values(config)) {
    if (key.rfind("model.moe.", 0) == 0) use(key, key.substr(key.rfind('.') + 1), value);
  }
}

// The second reading is one of training, for the capacity's sake: these switch its noise off.
std::vector<std::string> without_noise(const RunConfig& config) {
  std::vector<std::string> overrides;
  each_gate_setting(config, [&](const auto& key, const auto& name, const auto& value) {
    const bool scale = name == "jitter" || name == "expert_dropout";
    if (scale && std::strtod(value.c_str(), nullptr) > 0) overrides.push_back(key + "=0");
    if (name == "second" && value == "random") overrides.push_back(key + "=all");
  });
  return overrides;
}

bool has_capacity(const RunConfig& config) {
  bool found = false;
  each_gate_setting(config, [&](const auto&, const auto& name, const auto& value) {
    found |= name == "capacity_factor" && std::strtod(value.c_str(), nullptr) > 0;
  });
  return found;
}

// Names in a dump are a contract (docs/diagnostics.md).
std::map<std::string, std::string> dump_metadata(const RoutedText& routed,
                                                 const std::vector<ValidationRows>& sources) {
  auto names = Json::array();
  for (const auto& source : sources) names.push_back(source.name);
  const auto& model = routed.config.model;
  return {{"checkpoint", printable(routed.checkpoint)},
          {"step", std::to_string(routed.step)},
          {"text", routed.text},
          {"gate", model.moe->gate.kind},
          {"experts", std::to_string(model.moe->experts)},
          {"row_length", std::to_string(model.context)},
          {"sources", names.dump(-1, ' ', false, Json::error_handler_t::replace)}};
}

LayerDiagnosis layer_of(int64_t number, const LayerPass& pass, const MoeConfig& moe,
                        int64_t batches) {
  LayerDiagnosis layer;
  layer.layer = number;
  layer.gate_kind = moe.gate_of(number).kind;
  layer.experts = moe.experts;
  layer.k = moe.slots(number);
  layer.load = load_metrics(pass.sums);
  layer.max_vio_batch = pass.max_vio / static_cast<double>(batches);
  layer.batches = batches;
  layer.tokens = pass.sums.tokens.item<double>();
  layer.routing = pass.tally->figures();
  layer.ranks = pass.ranks;
  if (pass.agreement && pass.agreement->any()) {
    layer.agreement = LayerDiagnosis::ToReference{pass.agreement->saturation(),
                                                  pass.agreement->chance()};
  }
  return layer;
}

}  // namespace

void check_ranks(int64_t ranks, const RunConfig& config, const std::string& path) {
  if (ranks == 0) return;
  const auto& moe = config.model.moe;
  if (!moe) {
    throw ConfigError("--ranks: " + in_quotes(path) +
                      " is of a dense model (model.moe is none), which has no experts to spread: "
                      "leave --ranks out for it");
  }
  if (ranks < 1 || moe->experts % ranks != 0) {
    throw ConfigError("--ranks: expected a number that divides the " +
                      std::to_string(moe->experts) + " experts of " + in_quotes(path) + ", found " +
                      std::to_string(ranks) + "; every rank has as many experts");
  }
}

RoutedText route_text(const std::string& path, const RouteOptions& options) {
  const auto checkpoint = describe(path);
  check_sparse(checkpoint.config, options, path);
  check_ranks(options.ranks, checkpoint.config, path);
  std::optional<Described> against;
  if (!options.against.empty()) {
    against = describe(options.against);
    check_reference(checkpoint, *against);
  }
  std::optional<RoutingDump> dump;
  if (!options.dump.empty()) dump.emplace(options.dump);
  const auto data = text_of(checkpoint.config, options.data);

  const auto device = choose_device("auto");
  const bool capacity = has_capacity(checkpoint.config);
  auto reader = open_reader(
      checkpoint, device, capacity ? without_noise(checkpoint.config) : std::vector<std::string>{});
  std::optional<RoutedModel> reference;
  if (against) reference = open_reader(*against, device);
  PassOptions pass;
  pass.tokens = options.tokens;
  pass.ranks = options.ranks;
  pass.reference = reference ? &*reference : nullptr;
  pass.dump = dump ? &*dump : nullptr;
  const auto read = read_text(reader, data, device, pass);

  RoutedText routed;
  routed.checkpoint = checkpoint.folder;
  routed.config = checkpoint.config;
  routed.step = checkpoint.step;
  if (against) {
    routed.against = against->folder;
    routed.against_step = against->step;
  }
  routed.text = options.data.empty() ? "the run's validation rows" : printable(options.data);
  routed.tokens = read.tokens;
  routed.loss = read.loss / read.targets;
  if (dump) dump->write(dump_metadata(routed, data));
  std::map<int64_t, GateStats> limited;
  if (capacity) limited = read_with_capacity(reader, data, device, options.tokens);
  for (const auto& [number, layer_pass] : read.layers) {
    auto layer = layer_of(number, layer_pass, *routed.config.model.moe, read.batches);
    if (capacity) layer.limited = load_metrics(limited.at(number));
    note_unusable(layer);
    routed.layers.push_back(std::move(layer));
  }
  return routed;
}

}  // namespace moe

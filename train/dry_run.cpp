#include "train/dry_run.h"

#include <cstdio>

#include "data/tokenizer.h"
#include "train/flops.h"
#include "train/init.h"
#include "train/memory_estimate.h"
#include "train/model.h"
#include "train/parameter_groups.h"

namespace moe {
namespace {

// Parameters without gradient and moments.
double frozen_parameters(const OptimizerConfig& config, const Decoder& decoder) {
  std::vector<std::string> names;
  std::vector<double> sizes;
  for (const auto& item : decoder.named_parameters()) {
    names.push_back(item.key());
    sizes.push_back(static_cast<double>(item.value().numel()));
  }
  const auto rules = parameter_rules(config, names);
  double frozen = 0;
  for (size_t i = 0; i < rules.size(); ++i) {
    frozen += rules[i].freeze ? sizes[i] : 0;
  }
  return frozen;
}

}  // namespace

Json dry_run(const RunConfig& config) {
  const auto vocabulary = make_tokenizer(config.data.tokenizer)->vocabulary();
  // The meta device knows shapes and holds no memory, so any size can be asked about.
  const auto model = build_model(config.model, vocabulary, Initializer(0, at::kFloat, at::kMeta));
  const auto parameters = count_parameters(config.model, *model.decoder);
  const auto flops = flops_per_token(config.model, vocabulary);
  const auto memory =
      estimate_memory(config, vocabulary, static_cast<double>(parameters.total),
                      frozen_parameters(config.optimizer, *model.decoder));
  Json report = {{"parameters", {{"total", parameters.total}, {"active", parameters.active}}},
          {"flops_per_token",
           {{"forward", flops.training_once_sparse() / 3}, {"training", flops.training_once_sparse()}}},
          {"tokens", static_cast<double>(config.train.steps) * static_cast<double>(config.train.batch_tokens)},
          {"memory_bytes",
           {{"process", memory.process},
            {"parameters", memory.parameters},
            {"gradients", memory.gradients},
            {"optimizer", memory.optimizer},
            {"activations", memory.activations},
            {"workspace", memory.workspace},
            {"total", memory.total}}}};
  if (config.init.given()) {
    const auto plan = plan_init(config, vocabulary);
    report["init"] = {{"checkpoint", plan.checkpoint},
                      {"step", plan.step},
                      {"loaded", plan.loaded},
                      {"initialised", plan.fresh},
                      {"ignored", plan.ignored},
                      {"differs", plan.remarks}};
  }
  return report;
}

std::string dry_run_text(const Json& report) {
  const auto number = [&](const char* path) {
    return report.at(nlohmann::ordered_json::json_pointer(path)).get<double>();
  };
  char text[640];
  std::snprintf(text, sizeof text,
                "parameters        %.3f M, active %.3f M\n"
                "FLOPs per token   %.3f M forward, %.3f M in training, once the gate is sparse\n"
                "tokens            %.3f M\n"
                "memory, estimated %.0f MiB at most: process %.0f, parameters %.0f, optimizer %.0f, "
                "activations %.0f with %.0f in backward, gradients %.0f as activations go\n",
                number("/parameters/total") / 1e6, number("/parameters/active") / 1e6,
                number("/flops_per_token/forward") / 1e6, number("/flops_per_token/training") / 1e6,
                number("/tokens") / 1e6, number("/memory_bytes/total") / 1048576,
                number("/memory_bytes/process") / 1048576,
                number("/memory_bytes/parameters") / 1048576,
                number("/memory_bytes/optimizer") / 1048576,
                number("/memory_bytes/activations") / 1048576,
                number("/memory_bytes/workspace") / 1048576,
                number("/memory_bytes/gradients") / 1048576);
  if (!report.contains("init")) {
    return text;
  }
  const auto& init = report.at("init");
  const auto count = [&init](const char* key) { return std::to_string(init.at(key).size()); };
  return text + ("begins with       " + init.at("checkpoint").get<std::string>()) + ": " +
         count("loaded") + " tensors loaded, " + count("initialised") + " initialised, " +
         count("ignored") + " ignored\n";
}

}  // namespace moe

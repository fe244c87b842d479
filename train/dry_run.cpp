#include "train/dry_run.h"

#include <cstdio>
#include <optional>

#include "data/tokenizer.h"
#include "train/dry_run_ranks.h"
#include "train/flops.h"
#include "train/init.h"
#include "train/model.h"

namespace moe {

Json dry_run(const RunConfig& config, const DryRunRanks& ranks) {
  std::optional<RankLayout> layout;
  if (ranks.ranks > 0) {
    layout = rank_layout(config, ranks.ranks, ranks.per_node);
  }
  const auto vocabulary = make_tokenizer(config.data.tokenizer)->vocabulary();
  // The meta device knows shapes and holds no memory, so any size can be asked about.
  const auto model = build_model(config.model, vocabulary, Initializer(0, at::kFloat, at::kMeta));
  const auto parameters = count_parameters(config.model, *model.decoder);
  const auto flops = flops_per_token(config.model, vocabulary);
  const auto memory = estimate_memory(config, vocabulary, holdings(config, *model.decoder, {}));
  Json report = {{"parameters", {{"total", parameters.total}, {"active", parameters.active}}},
          {"flops_per_token",
           {{"forward", flops.training_once_sparse() / 3}, {"training", flops.training_once_sparse()}}},
          {"tokens", static_cast<double>(config.train.steps) * static_cast<double>(config.train.batch_tokens)},
          {"memory_bytes", memory_json(memory)}};
  if (layout) {
    add_ranks(report, config, vocabulary, *model.decoder, *layout);
  }
  if (config.init.given()) {
    const auto plan = plan_init(config, vocabulary);
    report["init"] = {{"checkpoint", plan.checkpoint},
                      {"step", plan.step},
                      {"loaded", plan.loaded},
                      {"initialised", plan.fresh},
                      {"ignored", plan.ignored},
                      {"copied", plan.copied},
                      {"moments", plan.moments},
                      {"differs", plan.remarks},
                      {"cost", began_with_json(plan.cost)}};
  }
  return report;
}

std::string dry_run_text(const Json& report) {
  const auto number = [&](const char* path) {
    return report.at(nlohmann::ordered_json::json_pointer(path)).get<double>();
  };
  char figures[640];
  std::snprintf(figures, sizeof figures,
                "parameters        %.3f M, active %.3f M\n"
                "FLOPs per token   %.3f M forward, %.3f M in training, once the gate is sparse\n"
                "tokens            %.3f M\n"
                "memory, estimated %.0f MiB at most: process %.0f, parameters %.0f, optimizer %.0f, "
                "activations %.0f with %.0f in backward, gradients %.0f as activations go, "
                "copies to save %.0f\n",
                number("/parameters/total") / 1e6, number("/parameters/active") / 1e6,
                number("/flops_per_token/forward") / 1e6, number("/flops_per_token/training") / 1e6,
                number("/tokens") / 1e6, number("/memory_bytes/total") / 1048576,
                number("/memory_bytes/process") / 1048576,
                number("/memory_bytes/parameters") / 1048576,
                number("/memory_bytes/optimizer") / 1048576,
                number("/memory_bytes/activations") / 1048576,
                number("/memory_bytes/workspace") / 1048576,
                number("/memory_bytes/gradients") / 1048576,
                number("/memory_bytes/saving") / 1048576);
  std::string text = figures;
  if (report.contains("ranks")) {
    text += ranks_text(report);
  }
  if (!report.contains("init")) {
    return text;
  }
  const auto& init = report.at("init");
  const auto count = [&init](const char* key) { return std::to_string(init.at(key).size()); };
  return text + ("begins with       " + init.at("checkpoint").get<std::string>()) + ": " +
         count("loaded") + " tensors loaded, " + count("initialised") + " initialised, " +
         count("ignored") + " ignored" +
         (init.at("copied").empty() ? "" : ", " + count("copied") + " copied into experts") +
         (init.at("moments").empty() ? "" : ", moments of " + count("moments") + " parameters kept") + "\n";
}

}  // namespace moe

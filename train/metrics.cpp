#include "train/metrics.h"

#include "train/environment.h"

namespace moe {
namespace {

// The keys every row has.
Json common(const char* split, double loss, const Progress& p) {
  return {{"step", p.step},
          {"split", split},
          {"loss", loss},
          {"tokens", p.tokens},
          {"target_tokens", p.target_tokens},
          {"flops", p.flops},
          {"flops_attention", p.flops_attention},
          {"flops_executed", p.flops_executed},
          {"seconds", p.seconds},
          {"joules", number_or_null(p.joules)}};
}

Json load_row(int64_t layer, const LoadMetrics& load) {
  Json row = {{"layer", layer},
              {"tokens_per_expert", load.tokens_per_expert},
              {"max_vio", load.max_vio},
              {"load_cv", load.load_cv},
              {"dead_experts", load.dead_experts},
              {"entropy", load.entropy},
              {"slots_per_token", load.slots_per_token},
              {"empty_tokens", load.empty_tokens},
              {"dropped", load.dropped},
              {"top_weight", load.top_weight},
              {"slots_histogram", load.slots_histogram},
              {"gate", Json::object()}};
  for (const auto& [name, value] : load.gate) {
    row["gate"][name] = value;
  }
  for (const auto& [name, values] : load.gate_lists) {
    row["gate"][name] = values;
  }
  return row;
}

}  // namespace

std::map<int64_t, LoadMetrics> layer_loads(const StepResult& step) {
  std::map<int64_t, LoadMetrics> loads;
  for (const auto& [layer, stats] : step.gates) {
    loads[layer] = load_metrics(stats);
  }
  return loads;
}

Json train_row(const StepResult& step, const std::map<int64_t, LoadMetrics>& loads,
               const Progress& progress, const StepRates& rates) {
  Json row = common("train", step.loss.item<double>(), progress);
  row["lr"] = step.lr;
  row["grad_norm"] = step.grad_norm.item<double>();
  row["tokens_per_second"] = rates.tokens_per_second;
  row["tflops"] = rates.tflops;
  row["mfu"] = rates.mfu;
  row["packing"] = step.packing;
  row["peak_memory"] = peak_memory_bytes();
  row["bad_steps"] = {{"nonfinite", progress.bad_steps.nonfinite},
                      {"spikes", progress.bad_steps.spikes},
                      {"rollbacks", progress.bad_steps.rollbacks}};
  row["aux"] = Json::object();
  for (const auto& [name, aux] : step.aux) {
    row["aux"][name] = aux.value.item<double>() / static_cast<double>(aux.count);
  }
  row["moe"] = Json::array();
  for (const auto& [layer, load] : loads) {
    row["moe"].push_back(load_row(layer, load));
  }
  return row;
}

Json valid_row(const Evaluation& evaluation, const Progress& progress) {
  Json row = common("valid", evaluation.loss, progress);
  row["bits_per_byte"] = evaluation.bits_per_byte();
  for (const auto& [name, loss] : evaluation.objectives) row["objectives"][name] = loss;
  for (const auto& [name, loss] : evaluation.sources) row["sources"][name] = loss;
  if (evaluation.objectives.size() > 1) {
    for (const auto& [name, layers] : evaluation.loads) {
      for (const auto& [layer, load] : layers) row["load"][name].push_back(load_row(layer, load));
    }
  }
  return row;
}

}  // namespace moe

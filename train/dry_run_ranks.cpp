#include "train/dry_run_ranks.h"

#include "train/format.h"
#include "train/traffic_estimate.h"

namespace moe {
namespace {

constexpr double kMiB = 1048576;

Json handed_over_json(const HandedOver& handed) {
  return {{"bytes", handed.bytes},
          {"between_nodes", handed.between_nodes},
          {"within_nodes", handed.bytes - handed.between_nodes}};
}

Json traffic_json(const TrafficEstimate& traffic) {
  auto exchange = handed_over_json(traffic.exchange);
  exchange["layers"] = Json::array();
  for (const auto& layer : traffic.layers) {
    exchange["layers"].push_back(
        {{"layer", layer.layer}, {"forward", layer.forward}, {"backward", layer.backward}});
  }
  return {{"expert_exchange", exchange},
          {"expert_exchange_at_first", handed_over_json(traffic.first_exchange)},
          {"gradients", handed_over_json(traffic.gradients)},
          {"parameters", handed_over_json(traffic.parameters)},
          {"total", handed_over_json(traffic.total())}};
}

// MiB, and those of them between nodes.
std::string both(const Json& handed, const char* pattern = "%.1f (%.1f)") {
  return format(pattern, handed.at("bytes").get<double>() / kMiB,
                handed.at("between_nodes").get<double>() / kMiB);
}

}  // namespace

Json memory_json(const MemoryEstimate& memory) {
  return {{"process", memory.process},
          {"parameters", memory.parameters},
          {"gradients", memory.gradients},
          {"optimizer", memory.optimizer},
          {"activations", memory.activations},
          {"workspace", memory.workspace},
          {"saving", memory.saving},
          {"total", memory.total}};
}

void add_ranks(Json& report, const RunConfig& config, int64_t vocabulary, const Decoder& decoder,
               const RankLayout& layout) {
  const auto held = holdings(config, decoder, layout);
  const auto estimate = estimate_memory(config, vocabulary, held, layout);
  auto memory = memory_json(estimate);
  memory["buckets"] = estimate.buckets;
  const int64_t rows = config.rows_per_micro_step(), R = layout.ranks;
  report["ranks"] = {{"ranks", R},
                     {"per_node", layout.per_node},
                     {"nodes", layout.nodes()},
                     {"data", layout.data()},
                     {"expert", layout.expert}};
  report["per_rank"] = {{"parameters", held.values()},
                        {"rows", {{"least", rows / R}, {"most", (rows + R - 1) / R}, {"all", rows}}},
                        {"memory_bytes", memory}};
  report["bytes_per_step"] = traffic_json(estimate_traffic(config, held, layout));
}

std::string ranks_text(const Json& report) {
  const auto &ranks = report.at("ranks"), &one = report.at("per_rank"), &rows = one.at("rows");
  const auto count = [](const Json& of, const char* key) { return std::to_string(of.at(key).get<int64_t>()); };
  const auto mib = [&](const char* key) {
    return format("%.0f", one.at("memory_bytes").at(key).get<double>() / kMiB);
  };
  const auto& bytes = report.at("bytes_per_step");
  const auto &sparse = bytes.at("expert_exchange"), &first = bytes.at("expert_exchange_at_first");
  const auto R = ranks.at("ranks").get<int64_t>(), all = rows.at("all").get<int64_t>();
  std::string text =
      "ranks             " + count(ranks, "ranks") + " on " + count(ranks, "nodes") +
      " nodes, data " + count(ranks, "data") + " x expert " + count(ranks, "expert") + ": " +
      format("%.3f M parameters each", one.at("parameters").get<double>() / 1e6) + ", at most " +
      count(rows, "most") + " of a micro-step's " + count(rows, "all") + " rows\n";
  if (all < R) {
    text += "                  " + std::to_string(R - all) +
            " of them have no row: raise train.batch_tokens, or lower train.accumulate\n";
  }
  text += "memory of a rank  " + mib("total") + " MiB at most: process " + mib("process") +
          ", parameters " + mib("parameters") + ", optimizer " + mib("optimizer") +
          ", gradients' buckets " + mib("buckets") + ", activations " + mib("activations") +
          " with " + mib("workspace") + " in backward, gradients " + mib("gradients") +
          " as activations go, copies to save " + mib("saving") + "\n";
  text += "bytes per step    a rank hands over " +
          both(bytes.at("total"), "%.1f MiB (%.1f between nodes)") + ": expert exchange " + both(sparse) + ", gradients " +
          both(bytes.at("gradients")) + ", updated parameters " + both(bytes.at("parameters")) + "\n";
  if (first.at("bytes") != sparse.at("bytes")) {
    text += "                  expert exchange " + both(first) + " while the gate is as dense as it begins\n";
  }
  return text;
}

}  // namespace moe

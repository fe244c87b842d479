#include "train/bench.h"

#include <ATen/Parallel.h>

#include <cstdio>

#include "configs/config_io.h"
#include "moe/dispatcher.h"
#include "train/bench_timing.h"
#include "train/random_tokens.h"
#include "train/trainer.h"

namespace moe {
namespace {

constexpr int64_t kVocabulary = RandomTokens::kVocabulary;

}  // namespace

Json bench_step(int64_t rounds, int64_t threads) {
  set_threads(threads);
  const auto trainer = [](const std::string& moe) {
    const auto config = parse_config<RunConfig>(
        "model:\n  d_model: 256\n  layers: 4\n  heads: 4\n  context: 256\n  active_width: 1024\n"
        "  moe: " + moe + "\ndata: {train: none}\ntrain: {batch_tokens: 4096, device: cpu}\n",
        "bench");
    return std::make_shared<Trainer>(config, kVocabulary,
                                     std::make_shared<RandomTokens>(config.model.context));
  };
  const auto sparse = trainer("{experts: 8, gate: {kind: top_k, k: 2}}");
  const auto dense = trainer("none");
  const auto step = [](const std::shared_ptr<Trainer>& t) {
    return [t] { t->step().loss.item<float>(); };
  };
  auto row = interleaved("top_2_of_8", step(sparse), "dense_twin", step(dense), rounds);
  row["tokens_per_second"] = 4096 / row["seconds"].get<double>();
  row["reference_tokens_per_second"] = 4096 / row["reference_seconds"].get<double>();
  return {{"bench", "step"}, {"threads", at::get_num_threads()}, {"rows", {row}}};
}

Json bench_dispatch(int64_t rounds, int64_t threads) {
  set_threads(threads);
  constexpr int64_t T = 2048, D = 256, F = 256, E = 8;
  const Initializer init(1);
  Experts experts(E, D, F, Activation::kSwiglu, 1, init);
  const auto x = init.normal("x", {T, D}, 1).requires_grad_(true);
  const auto dy = init.normal("dy", {T, D}, 1);
  Json rows = Json::array();
  for (const double share : {0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0}) {
    const auto chosen = init.uniform("live", {T, E}, 0.5) + 0.5 < share;
    auto routing = Routing::dense(chosen.to(at::kFloat) * 0.3);
    routing.stats = gate_stats(routing, routing.weight, {}, {});
    const auto pass = [&, routing](const Dispatcher& dispatcher) {
      dispatcher.run(x, routing, experts).y.backward(dy);
      x.mutable_grad().reset();
      for (auto& parameter : experts.parameters()) parameter.mutable_grad().reset();
    };
    auto row = interleaved("sparse", [&] { pass(SparseDispatcher()); }, "dense",
                           [&] { pass(DenseDispatcher()); }, rounds);
    row["live_share"] = share;
    rows.push_back(row);
  }
  return {{"bench", "dispatch"}, {"threads", at::get_num_threads()}, {"rows", rows}};
}

std::string bench_text(const Json& result) {
  std::string text = result.contains("bytes") ? exchange_bytes_text(result) : "";
  char line[256];
  for (const auto& row : result["rows"]) {
    if (row.contains("context")) {
      text += "context " + std::to_string(row["context"].get<int64_t>()) + "  ";
    }
    if (row.contains("live_share")) {
      std::snprintf(line, sizeof line, "live share %.2f  ", row["live_share"].get<double>());
      text += line;
    }
    std::snprintf(line, sizeof line, "%s %.1f ms, %s %.1f ms: %.2fx (%.2f-%.2f over %lld rounds)",
                  row["name"].get<std::string>().c_str(), row["seconds"].get<double>() * 1e3,
                  row["reference"].get<std::string>().c_str(),
                  row["reference_seconds"].get<double>() * 1e3, row["ratio"].get<double>(),
                  row["ratio_min"].get<double>(), row["ratio_max"].get<double>(),
                  row["rounds"].get<long long>());
    text += line;
    if (row.contains("tokens_per_second")) {
      std::snprintf(line, sizeof line, "; %.0f and %.0f tokens/s",
                    row["tokens_per_second"].get<double>(),
                    row["reference_tokens_per_second"].get<double>());
      text += line;
    }
    if (row.contains("slots_per_token")) {
      std::snprintf(line, sizeof line, "; %.2f and %.2f live slots a token",
                    row["slots_per_token"].get<double>(),
                    row["reference_slots_per_token"].get<double>());
      text += line;
    }
    if (row.contains("share_of_layer")) {
      std::snprintf(line, sizeof line, "; %.1f %% and %.1f %% of their layers",
                    100 * row["share_of_layer"].get<double>(),
                    100 * row["reference_share_of_layer"].get<double>());
      text += line;
    }
    text += "\n";
  }
  return text;
}

}  // namespace moe

// moe-bench NAME: benchmarks as ratios from one interleaved run.
#include "train/commands.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <iostream>

#include "configs/errors.h"
#include "train/agree.h"
#include "train/bench.h"
#include "train/bench_ranks.h"
#include "train/bench_timing.h"
#include "train/launch/as_rank.h"
#include "train/launch/start_mesh.h"
#include "train/program.h"

namespace moe {
namespace {

struct BenchOptions {
  std::string name, gate = "top_k", store;
  int64_t rounds = 11, threads = 0, ranks = 2;
  LayerShape shape{0, 0, 0, 0, 0};  // 0: the bench's own
  bool json = false;

  LayerShape shape_or(LayerShape shape_of_bench) const {
    for (const auto size : {&LayerShape::tokens, &LayerShape::d_model, &LayerShape::d_hidden,
                            &LayerShape::experts, &LayerShape::k}) {
      if (shape.*size > 0) shape_of_bench.*size = shape.*size;
    }
    return shape_of_bench;
  }
  void print(const Json& result) const {
    std::cout << (json ? result.dump(2) + "\n" : bench_text(result));
  }
};

// As one of many ranks: a launcher's, or those that the first process starts.
int exchange(const BenchOptions& options, int argc, char** argv) {
  const auto launch = read_launch(options.store);
  if (launch.source == "none") {
    if (!options.store.empty()) {  // what a rank that was started here has, and then it has RANK too
      throw ConfigError("--store: expected ranks of a launcher, found none: leave it out");
    }
    return run_as_ranks(options.ranks, argc, argv);
  }
  return as_rank(launch, program_name(argv), [&] {
    ParallelConfig parallel;
    parallel.expert = launch.ranks;
    parallel.backend = "gloo";
    parallel.store = options.store;
    if (launch.ranks == 1) {
      throw ConfigError("exchange: expected at least 2 ranks, found 1 (started by: " + launch.source + ")");
    }
    const auto mesh = start_mesh(launch, parallel, at::kCPU);
    set_threads(options.threads > 0
                    ? options.threads
                    : std::max<int64_t>(1, at::get_num_threads() / launch.local_ranks));
    const auto result = bench_exchange(options.shape_or(exchange_shape()), options.gate, mesh,
                                       launch.one_machine(), options.rounds);
    if (mesh.first()) {
      options.print(result);
    }
    gather_texts(*mesh.control, "", "the end");  // the first rank may serve the others' store
    return static_cast<int>(kDone);
  });
}

}  // namespace

int bench_command(int argc, char** argv) {
  CLI::App app("Prints ratios of works that are measured in turn in one process.",
               program_name(argv));
  BenchOptions options;
  app.add_option("name", options.name,
                 "step: a Top-2 model's training step against its dense twin's; "
                 "dispatch: sparse against dense dispatch by the share of live slots; "
                 "layer: one layer with a sparse DSelect-k against Top-k; "
                 "rows: a step on UL2R's rows against making them, on one core; "
                 "exchange: one layer with its experts on several ranks against its messages and its "
                 "experts at home, and the bytes of a step")
      ->required()
      ->check(CLI::IsMember({"step", "dispatch", "layer", "rows", "exchange"}));
  app.add_option("--rounds", options.rounds, "measured rounds")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  app.add_option("--threads", options.threads, "CPU threads; 0: one per core, which ranks share")
      ->capture_default_str()
      ->check(CLI::Range(0, 4096));
  const LayerShape of_layer, of_exchange = exchange_shape();
  const auto add_size = [&](const char* flag, int64_t LayerShape::*size, const std::string& help) {
    app.add_option(flag, options.shape.*size,
                   help + " (layer: " + std::to_string(of_layer.*size) +
                       ", exchange: " + std::to_string(of_exchange.*size) + ")")
        ->check(CLI::Range(1, 1 << 20));
  };
  add_size("--tokens", &LayerShape::tokens, "tokens, of each rank");
  add_size("--d-model", &LayerShape::d_model, "width of the model");
  add_size("--d-hidden", &LayerShape::d_hidden, "width of an expert");
  add_size("--experts", &LayerShape::experts, "experts");
  add_size("--k", &LayerShape::k, "experts of a token");
  app.add_option("--gate", options.gate, "exchange: the gate; round_robin is balanced")
      ->capture_default_str()
      ->check(CLI::IsMember({"top_k", "round_robin"}));
  app.add_option("--ranks", options.ranks,
                 "exchange: ranks that are started here where no launcher has started them")
      ->capture_default_str()
      ->check(CLI::Range(2, 256));
  app.add_option("--store", options.store, "exchange: a new file at which its ranks meet")->group("");
  app.add_flag("--json", options.json, "one JSON document");
  return run_program(app, argc, argv, [&] {
    if (options.name == "exchange") {
      return exchange(options, argc, argv);
    }
    options.print(options.name == "step"       ? bench_step(options.rounds, options.threads)
                  : options.name == "dispatch" ? bench_dispatch(options.rounds, options.threads)
                  : options.name == "rows"     ? bench_rows(options.rounds)
                                               : bench_layer(options.shape_or(of_layer), options.rounds,
                                                             options.threads));
    return static_cast<int>(kDone);
  });
}

}  // namespace moe

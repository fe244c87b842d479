// moe-bench NAME: benchmarks as ratios from one interleaved run.
#include "train/commands.h"

#include <iostream>

#include "configs/errors.h"
#include "train/bench.h"
#include "train/program.h"

namespace moe {

int bench_command(int argc, char** argv) {
  CLI::App app("Prints ratios of two works that are measured in turn in one process.",
               program_name(argv));
  std::string name;
  int64_t rounds = 11, threads = 0;
  bool json = false;
  app.add_option("name", name,
                 "step: a Top-2 model's training step against its dense twin's; "
                 "dispatch: sparse against dense dispatch by the share of live slots; "
                 "layer: one layer with a sparse DSelect-k against Top-k")
      ->required()
      ->check(CLI::IsMember({"step", "dispatch", "layer"}));
  app.add_option("--rounds", rounds, "measured rounds")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  app.add_option("--threads", threads, "CPU threads; 0: one per core")
      ->capture_default_str()
      ->check(CLI::Range(0, 4096));
  LayerShape shape;
  const auto add_size = [&](const char* flag, int64_t& value, const char* help) {
    app.add_option(flag, value, std::string("layer: ") + help)
        ->capture_default_str()
        ->check(CLI::Range(1, 1 << 20));
  };
  add_size("--tokens", shape.tokens, "tokens");
  add_size("--d-model", shape.d_model, "width of the model");
  add_size("--d-hidden", shape.d_hidden, "width of an expert");
  add_size("--experts", shape.experts, "experts");
  add_size("--k", shape.k, "experts of a token");
  app.add_flag("--json", json, "one JSON document");
  return run_program(app, argc, argv, [&] {
    const auto result = name == "step"       ? bench_step(rounds, threads)
                        : name == "dispatch" ? bench_dispatch(rounds, threads)
                                             : bench_layer(shape, rounds, threads);
    std::cout << (json ? result.dump(2) + "\n" : bench_text(result));
    return static_cast<int>(kDone);
  });
}

}  // namespace moe

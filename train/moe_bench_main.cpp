// moe-bench NAME: benchmarks as ratios from one interleaved run.
#include <iostream>

#include "configs/errors.h"
#include "train/bench.h"
#include "train/program.h"

int main(int argc, char** argv) {
  CLI::App app("Prints ratios of two works that are measured in turn in one process.", "moe-bench");
  std::string name;
  int64_t rounds = 11, threads = 0;
  bool json = false;
  app.add_option("name", name,
                 "step: a Top-2 model's training step against its dense twin's; "
                 "dispatch: sparse against dense dispatch by the share of live slots")
      ->required()
      ->check(CLI::IsMember({"step", "dispatch"}));
  app.add_option("--rounds", rounds, "measured rounds")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  app.add_option("--threads", threads, "CPU threads; 0: one per core")
      ->capture_default_str()
      ->check(CLI::Range(0, 4096));
  app.add_flag("--json", json, "one JSON document");
  return moe::run_program(app, argc, argv, [&] {
    const auto result = name == "step" ? moe::bench_step(rounds, threads)
                                       : moe::bench_dispatch(rounds, threads);
    std::cout << (json ? result.dump(2) + "\n" : moe::bench_text(result));
    return static_cast<int>(moe::kDone);
  });
}

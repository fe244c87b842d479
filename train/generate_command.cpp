// moe-generate CHECKPOINT --prompt TEXT: continue a text with a trained model.
#include "train/commands.h"

#include <iostream>

#include "configs/errors.h"
#include "train/generate.h"
#include "train/program.h"

namespace moe {

int generate_command(int argc, char** argv) {
  CLI::App app("Continues a text with the model of a checkpoint.", program_name(argv));
  std::string checkpoint;
  GenerateOptions options;
  bool json = false;
  app.add_option("checkpoint", checkpoint, "checkpoint folder, or a run's folder: its newest one")
      ->required();
  app.add_option("--prompt", options.prompt, "text to continue; empty: the start of a text")
      ->required();
  app.add_option("--tokens", options.tokens, "at most this many new tokens")->capture_default_str();
  app.add_option("--temperature", options.temperature, "0: always the likeliest token")
      ->capture_default_str();
  app.add_option("--top-p", options.top_p,
                 "draw from the likeliest tokens that have this much probability together")
      ->capture_default_str();
  app.add_option("--seed", options.seed, "of the draws")->capture_default_str();
  app.add_option("--samples", options.samples, "how many continuations")->capture_default_str();
  app.add_flag("--json", json, "one JSON document");
  return run_program(app, argc, argv, [&] {
    const auto report = generate_report(checkpoint, options);
    std::cout << (json ? report.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
                       : generate_text(report))
              << std::flush;
    return static_cast<int>(kDone);
  });
}

}  // namespace moe

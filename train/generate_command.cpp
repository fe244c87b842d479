// moe-generate CHECKPOINT --prompt TEXT: continue a text with a trained model, or fill its blanks.
#include "train/commands.h"

#include <iostream>

#include "configs/errors.h"
#include "train/generate.h"
#include "train/program.h"

namespace moe {

int generate_command(int argc, char** argv) {
  CLI::App app("Continues a text with the model of a checkpoint, or fills its blanks.", program_name(argv));
  std::string checkpoint;
  GenerateOptions options;
  bool json = false, no_cache = false;
  app.add_option("checkpoint", checkpoint, "checkpoint folder, or a run's folder: its newest one")
      ->required();
  app.add_option("--prompt", options.prompt, "text to continue, or with --infill to fill; empty: the start of a text")
      ->required();
  app.add_option("--tokens", options.tokens, "at most this many new tokens")->capture_default_str();
  app.add_option("--temperature", options.temperature, "0: always the likeliest token")
      ->capture_default_str();
  app.add_option("--top-p", options.top_p,
                 "draw from the likeliest tokens that have this much probability together")
      ->capture_default_str();
  app.add_option("--seed", options.seed, "of the draws")->capture_default_str();
  app.add_option("--samples", options.samples, "how many continuations")->capture_default_str();
  app.add_flag("--infill", options.infill,
               "fill every <blank> of the prompt, as a model trained with span_corruption or ul2 can");
  app.add_option("--mode", options.mode,
                 "mode token before the prompt: nlu, s2s, nlg or none. auto: that of the first denoiser of the "
                 "checkpoint's objective that does the like (prefix, and with --infill span_corruption); none "
                 "where there is none, and for a causal prompt")
      ->capture_default_str();
  app.add_option("--prefix-attention", options.prefix_attention,
                 "causal, or bidirectional: all of the prompt sees all of it. auto: bidirectional where the "
                 "checkpoint's objective has a denoiser; always so with --infill")
      ->capture_default_str();
  app.add_flag("--no-cache", no_cache,
               "feed everything again for every token instead of keeping keys and values: the same tokens, slower");
  app.add_flag("--json", json, "one JSON document");
  return run_program(app, argc, argv, [&] {
    options.cache = !no_cache;
    const auto report = generate_report(checkpoint, options);
    std::cout << (json ? report.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
                       : generate_text(report))
              << std::flush;
    return static_cast<int>(kDone);
  });
}

}  // namespace moe

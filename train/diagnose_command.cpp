// moe-diagnose RUN_OR_CHECKPOINT: where tokens go, what is wrong, and an exit code for scripts.
#include "train/commands.h"

#include <iostream>

#include "configs/errors.h"
#include "data/formats/atomic_file.h"
#include "data/printable.h"
#include "train/diagnose/html.h"
#include "train/diagnose/text.h"
#include "train/diagnose/watch.h"
#include "train/program.h"

namespace moe {

int diagnose_command(int argc, char** argv) {
  CLI::App app("Expert load of a run or a checkpoint, layer by layer, and what is wrong with it.",
               program_name(argv));
  DiagnoseOptions options;
  std::string html, fail_on;
  bool json = false, watch = false;
  app.add_option("path", options.path,
                 "a run's folder (its last 100 logged steps), or a checkpoint's (routes text)")
      ->required();
  auto* data = app.add_option("--data", options.data,
                              "route this text instead of the run's validation rows");
  auto* tokens = app.add_option("--tokens", options.tokens,
                                "route this many tokens through the checkpoint, of a run the newest "
                                "(default: 16384)");
  auto* against = app.add_option("--against", options.against,
                                 "a checkpoint or run: how many of its choices for the same text "
                                 "are still made");
  auto* ranks = app.add_option("--ranks", options.ranks,
                               "the load of this many ranks, with the experts spread over them");
  auto* dump = app.add_option("--dump-routing", options.dump,
                              "write every token's experts and weights to this safetensors file");
  auto* page = app.add_option("--html", html, "write the report to this file too");
  auto* as_json = app.add_flag("--json", json, "one JSON document with every figure");
  auto* check = app.add_option("--fail-on", fail_on,
                               "exit code 3 when one holds in any layer, as in "
                               "'dead_experts>0,max_vio>2'");
  app.add_flag("--watch", watch, "follow a run in progress; q ends it")
      ->excludes(data, tokens, against, ranks, dump, page, as_json, check);
  return run_program(app, argc, argv, [&] {
    if (watch) {
      return watch_run(options.path);
    }
    if (check->count() > 0) options.conditions = parse_conditions(fail_on);
    const auto diagnosis = diagnose(options);
    if (page->count() > 0) {
      AtomicFile file(html, "--html: " + in_quotes(html));
      file.write(diagnosis_html(diagnosis));
      file.commit();
    }
    if (json) {
      std::cout << diagnosis_json(diagnosis).dump(2, ' ', false,
                                                       Json::error_handler_t::replace)
                << "\n";
    } else {
      std::cout << diagnosis_text(diagnosis);
    }
    std::cout << std::flush;
    return static_cast<int>(diagnosis.failed.empty() ? kDone : kCheckFailed);
  });
}

}  // namespace moe

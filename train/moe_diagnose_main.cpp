// moe-diagnose RUN_OR_CHECKPOINT: where tokens go, what is wrong, and an exit code for scripts.
#include <iostream>

#include "configs/errors.h"
#include "data/formats/atomic_file.h"
#include "data/printable.h"
#include "train/diagnose/html.h"
#include "train/diagnose/text.h"
#include "train/diagnose/watch.h"
#include "train/program.h"

int main(int argc, char** argv) {
  CLI::App app("Expert load of a run or a checkpoint, layer by layer, and what is wrong with it.",
               "moe-diagnose");
  moe::DiagnoseOptions options;
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
  auto* page = app.add_option("--html", html, "write the report to this file too");
  auto* as_json = app.add_flag("--json", json, "one JSON document with every figure");
  auto* check = app.add_option("--fail-on", fail_on,
                               "exit code 3 when one holds in any layer, as in "
                               "'dead_experts>0,max_vio>2'");
  app.add_flag("--watch", watch, "follow a run in progress; q ends it")
      ->excludes(data, tokens, page, as_json, check);
  return moe::run_program(app, argc, argv, [&] {
    if (watch) {
      return moe::watch_run(options.path);
    }
    if (check->count() > 0) options.conditions = moe::parse_conditions(fail_on);
    const auto diagnosis = moe::diagnose(options);
    if (page->count() > 0) {
      moe::AtomicFile file(html, "--html: " + moe::in_quotes(html));
      file.write(moe::diagnosis_html(diagnosis));
      file.commit();
    }
    if (json) {
      std::cout << moe::diagnosis_json(diagnosis).dump(2, ' ', false,
                                                       moe::Json::error_handler_t::replace)
                << "\n";
    } else {
      std::cout << moe::diagnosis_text(diagnosis);
    }
    std::cout << std::flush;
    return static_cast<int>(diagnosis.failed.empty() ? moe::kDone : moe::kCheckFailed);
  });
}

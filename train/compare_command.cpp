// moe-compare RUN...: quality against cost, with the spread over seeds.
#include "train/commands.h"

#include <iostream>

#include "configs/errors.h"
#include "configs/utf8.h"
#include "data/formats/atomic_file.h"
#include "data/printable.h"
#include "train/compare/compare.h"
#include "train/compare/text.h"
#include "train/log.h"
#include "train/program.h"
#include "train/report/compare_report.h"

namespace moe {

int compare_command(int argc, char** argv) {
  CLI::App app("Compares runs: quality, cost and routing by variant, over seeds.", program_name(argv));
  CompareOptions options;
  bool json = false, markdown = false;
  std::string html;
  app.add_option("runs", options.paths, "run folders, or folders that hold run folders")
      ->required();
  app.add_option("--baseline", options.baseline,
                 "variant, or a run's name or folder, to compare with (default: the first)");
  app.add_option("--metric", options.metric,
                 "of validation, as in bits_per_byte; of training, as in train.loss or "
                 "moe.slots_per_token; a task of moe-eval --record, as in eval.prefix.exact_match")
      ->capture_default_str();
  app.add_option("--over-time", options.over_time,
                 "the metric at this many points of training instead of at the end")
      ->check(CLI::Range(int64_t{1}, int64_t{10000}));
  app.add_option("--by", options.by,
                 "of --over-time: step, tokens, flops, flops_executed, seconds or joules, or total_tokens, "
                 "total_flops, total_seconds or total_joules, with what came before a continued run; on the line "
                 "between a run's points, nothing extrapolated")
      ->capture_default_str();
  app.add_option("--flops", options.flops,
                 "with_attention or without_attention: whether FLOPs count attention's scores and mixing")
      ->capture_default_str();
  app.add_option("--curve", options.curve,
                 "variants whose ends are the curve that savings are read off, as a base run and its causal "
                 "continuations (default: the validations of --baseline)");
  app.add_option("--control", options.control,
                 "variant to hold the tasks of continued ones against (default: of each the one that differs in "
                 "nothing but a causal objective)");
  app.add_option("--before", options.before,
                 "run whose eval.jsonl has what continued runs began with (default: the run that wrote their "
                 "checkpoint)");
  auto* as_json = app.add_flag("--json", json, "one JSON document with every figure, by run too");
  app.add_flag("--markdown", markdown, "tables in Markdown")->excludes(as_json);
  app.add_option("--html", html,
                 "also write the comparison to this file: a page with tables and curves");
  return run_program(app, argc, argv, [&] {
    const auto variants = read_variants(options);
    const auto report = compare(variants, options);
    for (const auto& warning : report.at("warnings")) {
      log_warning(visible(warning.get<std::string>(), std::string::npos));
    }
    if (!html.empty()) {
      AtomicFile file(html, "--html: " + in_quotes(html));
      file.write(compare_report(report, variants));
      file.commit();
    }
    std::cout << (json ? report.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
                       : compare_text(report, markdown))
              << std::flush;
    return static_cast<int>(kDone);
  });
}

}  // namespace moe

// moe-eval CHECKPOINT...: what a checkpoint can do.
#include "train/commands.h"

#include <iostream>

#include "configs/errors.h"
#include "data/formats/atomic_file.h"
#include "data/printable.h"
#include "train/eval/eval.h"
#include "train/eval/logits_file.h"
#include "train/program.h"

namespace moe {
namespace {

std::string pretty(const Json& document) {
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

struct EvalArguments {
  std::vector<std::string> checkpoints;
  EvalOptions options;
  std::vector<std::string> skip;
  std::string token_ids, logits, make_task, out;
  bool json = false, record = false;

  // What --make-task and --logits work on.
  const std::string& only_checkpoint(const char* flag) const {
    if (checkpoints.size() != 1) {
      throw ConfigError(std::string(flag) + ": expected one checkpoint, found " + std::to_string(checkpoints.size()));
    }
    return checkpoints.front();
  }
};

void add_options(CLI::App& app, EvalArguments& all) {
  auto& options = all.options;
  app.add_option("checkpoint", all.checkpoints, "checkpoint folders, or runs' folders: their newest ones")->required();
  app.add_option("--data", options.data, "held-out text; default: the run's own validation text");
  app.add_option("--tokens", options.tokens, "of text for every loss")->capture_default_str();
  app.add_option("--denoisers", options.denoisers,
                 "whose losses are taken: ul2r, ul2, or own, those that the run was trained with")
      ->capture_default_str();
  app.add_option("--items", options.items, "texts with blanks, texts to continue, or examples of --make-task")
      ->capture_default_str();
  app.add_option("--task", options.tasks, "a task in BIG-bench's JSON format; may be given again")
      ->allow_extra_args(false);
  app.add_option("--shots", options.shots, "solved examples before every example of a task")->capture_default_str();
  app.add_option("--seed", options.seed, "of blanks, shots and orders of choices")->capture_default_str();
  app.add_option("--prefix-attention", options.prefix_attention,
                 "whether a prompt sees itself whole: causal, bidirectional, or auto, as the run was trained")
      ->capture_default_str();
  app.add_option("--mode", options.mode,
                 "mode token before every prompt: none, nlu, s2s, nlg, or auto: of texts with blanks that of the run's "
                 "first span_corruption denoiser; of prompts that see themselves whole that of its first prefix one")
      ->capture_default_str();
  app.add_option("--skip", all.skip, "parts to leave out: denoise, infill, prefix")
      ->delimiter(',')
      ->allow_extra_args(false);
  auto* ids = app.add_option("--token-ids", all.token_ids, "write the logits for these ids (JSON) and do nothing else");
  auto* logits = app.add_option("--logits", all.logits, "the safetensors file for them");
  ids->needs(logits);
  logits->needs(ids);
  auto* make = app.add_option("--make-task", all.make_task,
                              "write a task made of the held-out text and do nothing else: continuation");
  auto* out = app.add_option("--out", all.out, "the JSON file for it");
  make->needs(out)->excludes(ids);
  out->needs(make);
  app.add_flag("--json", all.json, "one JSON document with every figure");
  app.add_flag("--record", all.record, "append what was found to eval.jsonl of the run's folder")->excludes(ids, make);
}

void make_task_file(const EvalArguments& all) {
  if (all.make_task != "continuation") {
    throw ConfigError("--make-task: expected continuation, found '" + all.make_task + "'");
  }
  const auto task = made_task(all.only_checkpoint("--make-task"), all.options);
  AtomicFile file(all.out, "--out: " + in_quotes(all.out));
  file.write(pretty(task));
  file.commit();
  const Json made = {{"task", printable(all.out)}, {"examples", task.at("examples").size()}};
  std::cout << (all.json ? pretty(made)
                         : printable(all.out) + ": " + std::to_string(task.at("examples").size()) + " examples\n");
}

void write_logits_file(const EvalArguments& all) {
  const auto written = write_logits(all.only_checkpoint("--logits"), all.token_ids, all.logits);
  std::cout << (all.json ? pretty(written) : printable(all.logits) + ": logits " + written.at("shape").dump() + "\n");
}

void print_scores(const EvalArguments& all) {
  all.options.check();
  if (all.record) {  // before the work
    for (const auto& path : all.checkpoints) require_run_of(path);
  }
  std::vector<CheckpointScores> found;
  auto documents = Json::array();
  for (const auto& path : all.checkpoints) {
    found.push_back(evaluate_checkpoint(path, all.options));
    if (all.record) record_scores(found.back());
    if (all.json) documents.push_back(scores_json(found.back()));
  }
  std::cout << (all.json ? pretty({{"checkpoints", std::move(documents)}}) : scores_text(found));
}

}  // namespace

int eval_command(int argc, char** argv) {
  CLI::App app("Measures checkpoints: losses, filling of blanks, continuations, and tasks of one's own.",
               program_name(argv));
  EvalArguments all;
  add_options(app, all);
  return run_program(app, argc, argv, [&] {
    all.options.skip = {all.skip.begin(), all.skip.end()};
    if (!all.token_ids.empty()) {
      write_logits_file(all);
    } else if (!all.make_task.empty()) {
      make_task_file(all);
    } else {
      print_scores(all);
    }
    std::cout << std::flush;
    return static_cast<int>(kDone);
  });
}

}  // namespace moe

#include "train/eval/eval.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <numbers>

#include "configs/config_io.h"
#include "configs/errors.h"
#include "configs/suggest.h"
#include "data/printable.h"
#include "train/checkpoint.h"
#include "train/eval/held_out.h"
#include "train/eval/losses.h"
#include "train/eval/make_task.h"
#include "train/eval/task_scores.h"
#include "train/eval/text_tasks.h"
#include "train/log.h"

namespace moe {
namespace {

// Above use: a slip of the finger should not start days of work.
constexpr int64_t kMostTokens = int64_t{1} << 40;
constexpr int64_t kMostItems = 1000000;
constexpr int64_t kBlanksOfMultiple = 3;

void require_count(const char* flag, int64_t value, int64_t least, int64_t most) {
  if (value < least || value > most) {
    throw ConfigError(std::string(flag) + ": expected an integer from " + std::to_string(least) + " to " +
                      std::to_string(most) + ", found " + std::to_string(value));
  }
}

void require_one_of(const char* flag, const std::vector<std::string>& words, const std::string& found) {
  if (std::find(words.begin(), words.end(), found) == words.end()) {
    throw ConfigError(std::string(flag) + ": expected " + join_or(words) + ", found '" + found + "'" +
                      did_you_mean(found, words));
  }
}

// Read before any model: what is wrong with one costs no time. Records call them by name.
std::vector<TaskFile> read_tasks(const std::vector<std::string>& paths) {
  std::vector<TaskFile> tasks;
  for (const auto& path : paths) {
    auto task = read_task(path);
    for (const auto& other : tasks) {
      if (other.name == task.name) {
        throw ConfigError("--task: expected files of different names, by which records call tasks, found " +
                          in_quotes(other.path) + " and " + in_quotes(path) + ": rename one");
      }
    }
    tasks.push_back(std::move(task));
  }
  return tasks;
}

void append_scores(Scores& to, Scores from) {
  std::move(from.begin(), from.end(), std::back_inserter(to));
}

// Nats to bits; of the byte vocabulary a token is a byte.
Score in_bits(Score score) {
  score.metric = "bits per byte";
  score.value /= std::numbers::ln2;
  if (score.standard_error) *score.standard_error /= std::numbers::ln2;
  for (auto& item : score.items) item /= std::numbers::ln2;
  return score;
}

// What --denoisers own stands for. Weights say nothing of a denoiser's own loss.
Json own_denoisers(const ObjectiveConfig& objective) {
  auto list = Json::array();
  for (const auto& [name, of] : objective.denoisers()) {
    list.push_back(
        {{"name", name}, {"kind", of.kind}, {"mean_span", of.mean_span}, {"rate", of.rate}, {"mode", of.mode}});
  }
  const auto sentinels = objective.sentinels();
  return {{"denoisers", std::move(list)},
          {"sentinels", sentinels ? Json(*sentinels) : Json()},
          {"split_sentinel", objective.sentinel_at_split()}};
}

Json settings_of(const EvalOptions& options, const Subject& subject, const HeldOutText& text,
                 const std::vector<TaskFile>& tasks) {
  auto files = Json::object();
  for (const auto& task : tasks) files[task.name] = task.sha256;
  Json settings = {{"context", subject.config.model.context},
                   {"tokens", options.tokens},
                   {"denoisers", options.denoisers},
                   {"layout", "inputs, end, targets"},  // of rows with spans, and of blanks
                   {"items", options.items},
                   {"shots", options.shots},
                   {"seed", options.seed},
                   {"prefix_attention", options.prefix_attention},
                   {"mode", options.mode},
                   {"text", text.source},
                   {"tasks", std::move(files)}};
  if (options.denoisers == "own") settings["own"] = own_denoisers(subject.objective());
  return settings;
}

// One checkpoint, measured part by part.
class Measuring {
 public:
  Measuring(const std::string& path, const EvalOptions& options)
      : options_(options), tasks_(read_tasks(options.tasks)), subject_(open_subject(path)) {
    form_ = prompt_form(subject_.objective(), options_.prefix_attention, options_.mode);
    for (const auto& task : tasks_) require_task_fits(subject_, task, task_options());
    // Causal rows alone where no denoiser's are asked for: theirs may not fit.
    const auto objective = wants("denoise") ? denoisers_called(options.denoisers, subject_.config)
                                            : KindChoice(objective_kinds(), "causal");
    text_ = open_held_out(subject_.config, objective, options.data);
    scores_.checkpoint = subject_.checkpoint;
    scores_.run = subject_.run;
    scores_.step = subject_.step;
    scores_.settings = settings_of(options, subject_, text_, tasks_);
  }

  CheckpointScores measure() {
    take_losses();
    const auto pieces = held_out_pieces(text_, *subject_.tokenizer, options_.items);
    if (wants("infill")) {
      at("filling blanks of " + std::to_string(pieces.size()) + " texts");
      const auto mode = infill_mode(subject_.objective(), options_.mode);
      const auto seed = static_cast<uint64_t>(options_.seed);
      const auto most = subject_.objective().sentinels();
      for (const int64_t blanks : {int64_t{1}, kBlanksOfMultiple}) {
        if (!most || blanks <= *most) {
          append_scores(scores_.scores, infilling_scores(subject_, pieces, blanks, mode, seed));
        } else {
          scores_.notes.push_back("texts of " + std::to_string(blanks) + " blanks are left out: objective.sentinels is " +
                                  std::to_string(*most));
        }
      }
    }
    if (wants("prefix")) {
      at("continuing " + std::to_string(pieces.size()) + " texts");
      append_scores(scores_.scores, prefix_scores(subject_, pieces, form_));
    }
    for (const auto& task : tasks_) {
      at("task " + task.name + ", " + std::to_string(task.examples.size()) + " examples");
      take_task(task);
    }
    note_missing_items(static_cast<int64_t>(pieces.size()));
    return std::move(scores_);
  }

 private:
  bool wants(const char* part) const { return options_.skip.count(part) == 0; }
  void at(const std::string& what) const { log_info(printable(subject_.checkpoint) + ": " + what); }

  void take_losses() {
    at("losses of " + std::to_string(options_.tokens) + " tokens of each objective");
    for (auto& loss : objective_losses(subject_, text_.rows, options_.tokens)) {
      const bool causal = loss.objective == "causal";
      const auto name = causal ? "causal.bits_per_byte" : "denoise." + loss.objective + ".loss";
      if (causal) {
        scores_.loss = loss.score.value;
        loss.score = in_bits(loss.score);
      }
      scores_.scores.emplace_back(name, std::move(loss.score));
      if (!loss.load.empty()) scores_.load.emplace(loss.objective, std::move(loss.load));
    }
  }
  TaskOptions task_options() const { return {options_.shots, static_cast<uint64_t>(options_.seed), form_}; }
  void take_task(const TaskFile& task) {
    auto taken = task_scores(subject_, task, task_options());
    append_scores(scores_.scores, std::move(taken.scores));
    if (taken.shortened > 0) {
      scores_.notes.push_back(task.name + ": " + std::to_string(taken.shortened) + " of " +
                              std::to_string(task.examples.size()) +
                              " prompts lost their beginning, since they do not fit into the context of " +
                              std::to_string(subject_.config.model.context) + " tokens");
    }
    if (taken.unwritable > 0) {
      scores_.notes.push_back(task.name + ": " + std::to_string(taken.unwritable) + " of " +
                              std::to_string(task.examples.size()) +
                              " examples have no target that an answer can be (one line, at most 64 bytes and half of "
                              "the context): they count as wrong");
    }
    if (!task.not_scored.empty()) {
      scores_.notes.push_back(task.name + ": not scored here: " + join(task.not_scored));
    }
  }
  void note_missing_items(int64_t pieces) {
    const bool uses_pieces = wants("infill") || wants("prefix");
    if (uses_pieces && pieces < options_.items) {
      scores_.notes.push_back("the held-out text has " + std::to_string(pieces) + " rows, fewer than --items " +
                              std::to_string(options_.items));
    }
  }

  EvalOptions options_;
  std::vector<TaskFile> tasks_;
  Subject subject_;
  PromptForm form_;
  HeldOutText text_;
  CheckpointScores scores_;
};

}  // namespace

const std::vector<std::string>& eval_parts() {
  static const std::vector<std::string> parts = {"denoise", "infill", "prefix"};
  return parts;
}

void EvalOptions::check() const {
  require_count("--tokens", tokens, 1, kMostTokens);
  require_count("--items", items, 1, kMostItems);
  require_count("--shots", shots, 0, kMostItems);
  require_count("--seed", seed, 0, std::numeric_limits<int64_t>::max());
  require_one_of("--denoisers", {"ul2r", "ul2", "own"}, denoisers);
  require_one_of("--prefix-attention", {"auto", "causal", "bidirectional"}, prefix_attention);
  auto modes = mode_words();
  modes.insert(modes.end(), {"none", "auto"});
  require_one_of("--mode", modes, mode);
  for (const auto& part : skip) require_one_of("--skip", eval_parts(), part);
}

CheckpointScores evaluate_checkpoint(const std::string& path, const EvalOptions& options) {
  options.check();
  return Measuring(path, options).measure();
}

Json made_task(const std::string& path, const EvalOptions& options) {
  options.check();
  const auto folder = find_checkpoint(path);
  const auto config = parse_config<RunConfig>(checkpoint_config(folder), folder + "/state.json");
  const auto text = open_held_out(config, KindChoice(objective_kinds(), "causal"), options.data);
  // Rows that hold no example are made up for.
  const auto pieces = held_out_pieces(text, *make_tokenizer(config.data.tokenizer), 2 * options.items);
  return continuation_task(pieces, options.items, static_cast<uint64_t>(options.seed));
}

}  // namespace moe

#include "train/eval/subject.h"

#include <ATen/Parallel.h>

#include <filesystem>

#include "configs/config_io.h"
#include "train/checkpoint.h"
#include "train/checkpoint_state.h"
#include "train/decode_threads.h"
#include "train/launch/rank_threads.h"
#include "train/load_model.h"
#include "train/schedule.h"

namespace moe {
namespace {

namespace fs = std::filesystem;

int threads_of_a_run(const Subject& subject) {
  static const int all_cores = at::get_num_threads();  // before anyone sets another number
  return rank_threads(subject.config.train.threads, all_cores, Launch{});
}

}  // namespace

Reader Subject::reader() {
  return {model, config.model.context, device, progress, gates_choose_alone(config.model)};
}

Subject open_subject(const std::string& path) {
  Subject subject;
  subject.checkpoint = find_checkpoint(path);
  subject.run = run_of_checkpoint(subject.checkpoint);
  subject.config = parse_config<RunConfig>(checkpoint_config(subject.checkpoint), subject.checkpoint + "/state.json");
  subject.step = state_step(subject.checkpoint);
  subject.progress = share_done(subject.step, subject.config.train.steps);
  subject.tokenizer = make_tokenizer(subject.config.data.tokenizer);
  // A checkpoint trained on a GPU is measured on a machine without one too.
  subject.device = choose_device("auto");
  subject.model = load_model(subject.checkpoint, subject.config, subject.device);
  return subject;
}

std::string run_of_checkpoint(const std::string& checkpoint) {
  std::error_code none;
  // Not canonical: what is printed stays as the user wrote it, as far as it can.
  auto folder = fs::path(checkpoint).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();  // it ended with a slash
  if (!folder.has_parent_path()) folder = fs::absolute(folder, none);
  auto checkpoints = folder.parent_path();
  if (!checkpoints.has_parent_path()) checkpoints = fs::absolute(checkpoints, none);
  const auto run = checkpoints.parent_path();
  if (checkpoints.filename() != "checkpoints" || !fs::is_regular_file(run / "config.yaml", none)) return "";
  return run.empty() ? "." : run.string();
}

void use_threads_for_rows(const Subject& subject) { at::set_num_threads(threads_of_a_run(subject)); }

void use_threads_for_tokens(const Subject& subject) {
  const int threads = threads_of_a_run(subject);
  const bool one = one_thread_decodes_faster(subject.config.model, subject.tokenizer->vocabulary());
  at::set_num_threads(one ? 1 : threads);
}

}  // namespace moe

#include "train/eval/logits_file.h"

#include "configs/errors.h"
#include "data/formats/safetensors_atomic.h"
#include "data/printable.h"
#include "train/context.h"
#include "train/eval/given_ids.h"
#include "train/eval/subject.h"

namespace moe {
namespace {

constexpr int64_t kMostLogits = int64_t{1} << 28;  // a GiB of float32

void require_few_logits(const Batch& batch, int64_t vocabulary, const std::string& ids) {
  // Divided: a product of what was found may not fit into 64 bits.
  if (batch.rows <= kMostLogits / vocabulary / batch.length) return;
  throw RunError("--token-ids: " + in_quotes(ids) + ": expected at most " + std::to_string(kMostLogits) +
                 " logits (rows x length x vocabulary), found " + std::to_string(batch.rows) + " x " +
                 std::to_string(batch.length) + " x " + std::to_string(vocabulary) + "; give fewer rows at a time");
}

}  // namespace

Json write_logits(Subject& subject, const std::string& ids, const std::string& out) {
  at::NoGradGuard no_grad;
  const int64_t vocabulary = subject.tokenizer->vocabulary();
  const auto batch = read_token_ids(ids, vocabulary, subject.config.model.context);
  require_few_logits(batch, vocabulary, ids);
  AtomicFile file(out, "--logits: " + in_quotes(out));  // before the work, so that a bad path costs none
  use_threads_for_rows(subject);
  auto context = make_context(batch, subject.device);
  context.progress = subject.progress;
  const auto logits = subject.model.decoder->forward(context)
                          .logits.view({batch.rows, batch.length, -1})
                          .to(at::kCPU, at::kFloat)
                          .contiguous();  // [B, S, V]
  write_safetensors(file, {{"logits", Dtype::kF32, logits.sizes().vec(), logits.const_data_ptr()}},
                    {{"checkpoint", printable(subject.checkpoint)},
                     {"step", std::to_string(subject.step)},
                     {"token_ids", printable(ids)}});
  file.commit();
  return {{"checkpoint", printable(subject.checkpoint)},
          {"step", subject.step},
          {"token_ids", printable(ids)},
          {"logits", printable(out)},
          {"shape", logits.sizes().vec()}};
}

Json write_logits(const std::string& path, const std::string& ids, const std::string& out) {
  auto subject = open_subject(path);
  return write_logits(subject, ids, out);
}

}  // namespace moe

#include "train/eval/logits_file.h"

#include "data/formats/safetensors_atomic.h"
#include "data/printable.h"
#include "train/context.h"
#include "train/eval/given_ids.h"
#include "train/eval/subject.h"

namespace moe {

Json write_logits(Subject& subject, const std::string& ids, const std::string& out) {
  at::NoGradGuard no_grad;
  const auto batch = read_token_ids(ids, subject.tokenizer->vocabulary(), subject.config.model.context);
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

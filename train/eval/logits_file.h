// What a checkpoint's model says of given ids, for comparing it with other programs.
#pragma once

#include <string>

#include "data/formats/json_text.h"

namespace moe {

struct Subject;

// Reads `ids` (train/eval/given_ids.h), feeds all its rows together as validation does, and writes to `out` a
// safetensors file with `logits` [B, S, V], float32 (a float64 model's are rounded to it), and, in the metadata,
// checkpoint, step and the ids' file. Returns {"checkpoint", "step", "token_ids", "logits", "shape"}. Throws RunError,
// also for more than 2^28 logits.
Json write_logits(Subject& subject, const std::string& ids, const std::string& out);
// The same of the checkpoint that `path` names. Throws what open_subject() throws too.
Json write_logits(const std::string& path, const std::string& ids, const std::string& out);

}  // namespace moe

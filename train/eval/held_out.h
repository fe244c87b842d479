// The text that checkpoints are measured on, none of which they were trained on.
#pragma once

#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/formats/json_text.h"
#include "data/tokenizer.h"
#include "train/run_config.h"

namespace moe {

struct HeldOutText {
  std::vector<ValidationRows> rows;  // causal, and of every denoiser; of model.context tokens
  // What makes records comparable: {"data": the file or null, "sha256": its, or null, "bytes": ..., "rows": SHA-256 of the
  // first causal rows of every source, as they are given and scored, with its share where there are several}.
  Json source;
};

// The run's own validation text, split as it was for training; or with `data` (--data) that file, whole. Throws
// RunError for text that is not there or shorter than a row.
HeldOutText open_held_out(const RunConfig& config, const KindChoice& objective, const std::string& data);

// The denoisers that losses are taken of: "ul2r", "ul2" or "own", those of the run itself. Throws ConfigError for
// another word, and where rows of model.context tokens do not fit one of them.
KindChoice denoisers_called(const std::string& word, const RunConfig& config);

// Pieces of text of at most model.context bytes, none of which spans two documents: of the first rows of the sources,
// which take turns by their shares, one each. At most `items`, and fewer only where there are no more rows.
std::vector<std::string> held_out_pieces(const HeldOutText& text, const Tokenizer& tokenizer, int64_t items);

}  // namespace moe

#include "train/shared_text.h"

#include "configs/errors.h"
#include "train/agree.h"

namespace moe {

Batch SharedText::batch(int64_t first, int64_t rows) {
  if (mesh_.alone()) {
    return data_.batch(first, rows);
  }
  try {
    return data_.batch(first, rows);
  } catch (const UserError&) {
    problem_ = std::current_exception();
    return data_.batch(first, 0);  // reads nothing
  }
}

void SharedText::throw_together(const RankGroup& control) const {
  on_every_rank(control, "reading the text", [&] {
    if (problem_) {
      std::rethrow_exception(problem_);
    }
  });
}

}  // namespace moe

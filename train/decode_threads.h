// How many threads are worth it where a model writes one token at a time.
#pragma once

#include <cstdint>

#include "train/run_config.h"

namespace moe {

// Whether one thread alone is faster: below some work, threads that wait for each other at every small operation of one
// token make it slower, on a busy machine many times so.
bool one_thread_decodes_faster(const ModelConfig& model, int64_t vocabulary);

}  // namespace moe

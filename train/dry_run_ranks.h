// The part of --dry-run's report that is about many ranks.
#pragma once

#include "data/formats/metrics_file.h"
#include "train/dry_run_layout.h"
#include "train/memory_estimate.h"

namespace moe {

Json memory_json(const MemoryEstimate& memory);

// Adds `ranks`, `per_rank` and `bytes_per_step`. `decoder` as holdings() takes it.
void add_ranks(Json& report, const RunConfig& config, int64_t vocabulary, const Decoder& decoder,
               const RankLayout& layout);
// Of a report with these.
std::string ranks_text(const Json& report);

}  // namespace moe

// report.html of a run: what it is, what it reached and how it went, as a page that opens from
// disk.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "train/report/run_history.h"
#include "train/run_config.h"

namespace moe {

using Facts = std::vector<std::pair<std::string, std::string>>;  // name, value; both texts

// The page. `more` are facts that config and rows do not hold, such as the parameter count. Charts
// are those of the figures that the rows have; one that has been 0 throughout is named in a
// sentence instead.
std::string run_report(const RunConfig& config, const RunHistory& history, const Facts& more);

// What the gates did over the steps, of a run's report and of moe-diagnose's: heat maps of the load,
// then a chart of every figure of the layers. HTML; empty without experts.
std::string routing_sections(const RunHistory& history);

// Heat maps of the load by layer, at most `most` of them, evenly spread over the layers; `note`
// says when some are left out. Columns are fewer where there are many rows, so that a page stays
// small.
std::vector<std::string> load_maps(const std::map<int64_t, LoadHistory>& loads, size_t most,
                                   const std::string& prefix = "");

}  // namespace moe

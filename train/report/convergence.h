// How far gates have come on their way to k slots a token, as figures of a report: what is no single
// number in a row, and therefore in no chart of train/report/run_report.h already.
#pragma once

#include <string>
#include <vector>

#include "train/report/run_history.h"

namespace moe {

// Figures of a layer that belong to its convergence, by their names in `moe` ("gate.saturated_bits").
bool is_convergence(const std::string& figure);

// By layer, `most` layers at most, evenly spread: every list-valued figure of the gate as a line each
// over the steps (of DSelect-k the share of each selector's bits that are decided), and a histogram of
// the slots per token in the last logged step. HTML.
std::vector<std::string> convergence_figures(const RunHistory& history, size_t most);

}  // namespace moe

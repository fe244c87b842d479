// How the figures of metrics.jsonl are drawn: title, unit and what a reader has to know of each. A
// figure that is not listed is drawn by its name.
#pragma once

#include <string>
#include <vector>

#include "train/report/line_chart.h"

namespace moe {

// A chart with title, unit and note, without series. `figure` is the name in a row: "lr",
// "aux.entropy", "max_vio", "gate.saturated_bits".
LineChart titled_chart(const std::string& figure);

// One line per layer where there are few, else the mean over layers with the lowest and highest
// layer as the band. Series are of one figure by layer, or its /mean, /min and /max
// (train/report/row_scalars.h).
LineChart layers_chart(const std::string& figure, std::vector<ChartSeries> layers);

// The order in which reports show them: those that are listed first, the others as they were. Names
// may be moe-compare's, as in "moe.max_vio".
void sort_figures(std::vector<std::string>& figures);

// Cumulative figures, such as "tokens" and "flops": coordinates rather than charts.
bool is_counter(const std::string& figure);

// "max_vio" of moe-compare's "moe.max_vio", "lr" of "train.lr".
std::string figure_of(const std::string& metric);

// Names what is not drawn because it has been 0 throughout, as HTML; nothing for nothing.
std::string zero_sentence(const std::vector<std::string>& figures);

bool all_zero(const std::vector<ChartPoint>& points);

}  // namespace moe

// Expert load as a row of bars for a terminal.
#pragma once

#include <string>
#include <vector>

namespace moe {

// One character an expert, from idle (a space) to twice the fair share or more; at most `most`
// characters: with more experts neighbours share one, which shows their mean. Spaces for a load
// that sums to 0 or is not finite.
std::string load_bars(const std::vector<double>& load, size_t most);

// The values as bars from the lowest to the highest of them, the last `most`; a gap for a value that
// is not finite.
std::string sparkline(const std::vector<double>& values, size_t most);

}  // namespace moe

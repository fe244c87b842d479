// Self-contained HTML pages: one file that opens from disk, from a phone to a wide screen, in light
// and dark, and asks nothing of the network.
//
// A page is made of blocks, each a std::string of HTML: paragraphs, tables (html_table), line
// charts (train/report/line_chart.h) and heat maps (train/report/heat_map.h). The page's one script
// shows the values under the pointer or the finger; without script everything but those is there.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/formats/metrics_file.h"
#include "train/text_table.h"

namespace moe {

// Text for HTML, between tags and in quoted attributes. Control characters and bytes that are not
// UTF-8 become U+FFFD, so that a hostile name cannot break a page.
std::string escape_html(std::string_view text);

// A complete document. `title` is text, `body` HTML.
std::string html_page(const std::string& title, const std::string& body);

// A table in a box that scrolls by itself where it is wider than the page. The first column is
// text, the others are numbers, set to the right. Cells are text.
std::string html_table(const TextTable& table);

// Facts as pairs of a name and a value, as many beside each other as fit. Both are text.
std::string html_facts(const std::vector<std::pair<std::string, std::string>>& facts);

// Sentences to heed, in a box of their own; nothing when there is none. They are text.
std::string html_warnings(const std::vector<std::string>& warnings);

// Charts beside each other where there is room. The figures are HTML.
std::string html_grid(const std::vector<std::string>& figures);

// "0.00123", "12.35", "1.2e+07": a number in at most six significant digits; "n/a" for NaN.
std::string html_number(double value);

// For figures: what the page's script reads. JSON that may stand inside <script>, whatever its
// texts hold; and a list of numbers in six digits, large ones to the unit (steps are read off a
// page to be found in metrics.jsonl), null where one is not finite.
std::string json_for_script(const Json& value);
std::string json_numbers(const std::vector<double>& values);

// A heat map's colours are the CSS variables --h0 (nothing) over the middle (fair share) to
// --h<kHeatLevels - 1> (twice the fair share and more).
inline constexpr int kHeatLevels = 17;

}  // namespace moe

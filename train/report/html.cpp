#include "train/report/html.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "data/formats/metrics_file.h"
#include "train/report/page_assets.h"

namespace moe {
namespace {

constexpr const char* kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// The bytes with U+FFFD for what is no UTF-8, which is what the JSON library's own writer does.
std::string valid_utf8(std::string_view text) {
  const auto quoted = Json(std::string(text)).dump(-1, ' ', false, Json::error_handler_t::replace);
  return Json::parse(quoted).get<std::string>();
}

std::string hex_color(std::array<double, 3> rgb) {
  std::array<char, 8> text;
  std::snprintf(text.data(), text.size(), "#%02x%02x%02x", static_cast<int>(std::lround(rgb[0])),
                static_cast<int>(std::lround(rgb[1])), static_cast<int>(std::lround(rgb[2])));
  return text.data();
}

// --h0 .. of a heat map: nothing, the fair share, twice of it and more.
std::string heat_scale(std::array<double, 3> none, std::array<double, 3> fair,
                       std::array<double, 3> twice) {
  std::string css;
  for (int level = 0; level < kHeatLevels; ++level) {
    const double place = 2.0 * level / (kHeatLevels - 1);
    const auto& from = place < 1 ? none : fair;
    const auto& to = place < 1 ? fair : twice;
    const double share = place < 1 ? place : place - 1;
    std::array<double, 3> rgb;
    for (size_t i = 0; i < 3; ++i) {
      rgb[i] = from[i] + share * (to[i] - from[i]);
    }
    css += "--h" + std::to_string(level) + ":" + hex_color(rgb) + ";";
  }
  return css;
}

// The middle is close to the background: what is as it should be does not draw the eye.
std::string heat_colors() {
  return ":root{" + heat_scale({20, 82, 160}, {238, 236, 230}, {190, 40, 20}) +
         "}\n@media(prefers-color-scheme:dark){:root{" +
         heat_scale({90, 170, 255}, {48, 52, 58}, {255, 120, 70}) + "}}\n";
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string escaped;
  for (const char c : valid_utf8(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default: {
        const auto byte = static_cast<unsigned char>(c);
        const bool control = (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F;
        escaped += control ? std::string(kReplacement) : std::string(1, c);
      }
    }
  }
  return escaped;
}

std::string html_page(const std::string& title, const std::string& body) {
  const auto name = escape_html(title);
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
         // An empty icon, or browsers would ask for one.
         "<link rel=\"icon\" href=\"data:,\">\n<title>" +
         name + "</title>\n<style>" + kPageStyle + heat_colors() +
         "</style>\n</head>\n<body>\n<h1>" + name + "</h1>\n" + body + "<script>" + kPageScript +
         "</script>\n</body>\n</html>\n";
}

std::string html_table(const TextTable& table) {
  const auto row = [](const TextTable::Row& cells, const std::string& tag) {
    std::string html = "<tr>";
    for (const auto& cell : cells) {
      html += "<" + tag + ">" + escape_html(cell) + "</" + tag + ">";
    }
    return html + "</tr>\n";
  };
  std::string html =
      "<div class=\"wide\"><table>\n<thead>" + row(table.head, "th") + "</thead>\n<tbody>\n";
  for (const auto& cells : table.rows) {
    html += row(cells, "td");
  }
  return html + "</tbody></table></div>\n";
}

std::string html_facts(const std::vector<std::pair<std::string, std::string>>& facts) {
  std::string html = "<dl class=\"facts\">\n";
  for (const auto& [name, value] : facts) {
    html += "<div><dt>" + escape_html(name) + "</dt><dd>" + escape_html(value) + "</dd></div>\n";
  }
  return html + "</dl>\n";
}

std::string html_warnings(const std::vector<std::string>& warnings) {
  if (warnings.empty()) {
    return "";
  }
  std::string html = "<ul class=\"warn\">\n";
  for (const auto& warning : warnings) {
    html += "<li>" + escape_html(warning) + "</li>\n";
  }
  return html + "</ul>\n";
}

std::string html_grid(const std::vector<std::string>& figures) {
  std::string html = "<div class=\"grid\">\n";
  for (const auto& figure : figures) {
    html += figure;
  }
  return html + "</div>\n";
}

std::string html_number(double value) {
  if (std::isnan(value)) {
    return "n/a";
  }
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.6g", value);
  return text.data();
}

std::string json_for_script(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  for (size_t at = 0; (at = text.find('<', at)) != std::string::npos;) {
    text.replace(at, 1, "\\u003c");
  }
  return text;
}

std::string json_numbers(const std::vector<double>& values) {
  std::string text = "[";
  for (const double value : values) {
    const bool large = std::fabs(value) >= 1e5 && std::fabs(value) < 1e15;
    std::array<char, 32> number;
    std::snprintf(number.data(), number.size(), large ? "%.0f" : "%.6g", value);
    text +=
        std::string(text.size() > 1 ? "," : "") + (std::isfinite(value) ? number.data() : "null");
  }
  return text + "]";
}

}  // namespace moe

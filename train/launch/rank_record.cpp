#include "train/launch/rank_record.h"

#include <algorithm>
#include <cstdlib>

#include "train/format.h"

namespace moe {
namespace {

constexpr char kBetween = '\n';  // of fields; in none of them
constexpr size_t kFields = 8;    // before the waits, of which each has two

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), kBetween, ' ');
  return text;
}

}  // namespace

std::string seconds_text(double seconds) { return format(seconds < 9.95 ? "%.1f s" : "%.0f s", seconds); }

bool RankRecord::waits_in(const std::string& what) const {
  return std::any_of(waiting.begin(), waiting.end(), [&](const Wait& wait) { return wait.what == one_line(what); });
}

std::string RankRecord::doing() const {
  const auto where = at.empty() ? "" : " at " + at;
  if (computing > 0 || waiting.empty()) return "computing" + where + " for " + seconds_text(computing);
  return "waiting in '" + waiting[0].what + "'" + where + " for " + seconds_text(waiting[0].seconds);
}

std::string RankRecord::text() const {
  std::vector<std::string> fields = {std::to_string(beat), one_line(host),
                                     std::to_string(process), one_line(at),
                                     format("%.1f", computing), one_line(failed),
                                     left ? "1" : "0", std::to_string(waiting.size())};
  for (const auto& wait : waiting) {
    fields.push_back(one_line(wait.what));
    fields.push_back(format("%.1f", wait.seconds));
  }
  std::string text;
  for (const auto& field : fields) text += field + kBetween;
  return text;
}

std::optional<RankRecord> RankRecord::from(const std::string& text) {
  std::vector<std::string> fields;
  for (size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find(kBetween, begin), text.size());
    fields.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  if (fields.size() < kFields || fields.size() != kFields + 2 * std::strtoull(fields[7].c_str(), nullptr, 10)) {
    return std::nullopt;
  }
  RankRecord record;
  record.beat = std::atoll(fields[0].c_str());
  record.host = fields[1];
  record.process = std::atoll(fields[2].c_str());
  record.at = fields[3];
  record.computing = std::atof(fields[4].c_str());
  record.failed = fields[5];
  record.left = fields[6] == "1";
  for (size_t i = kFields; i < fields.size(); i += 2) {
    record.waiting.push_back({fields[i], std::atof(fields[i + 1].c_str())});
  }
  return record;
}

}  // namespace moe

#include "train/launch/watch_report.h"

namespace moe {
namespace {

std::string rank_name(int64_t rank) { return "rank " + std::to_string(rank); }

std::string process_of(const RankRecord& record) {
  return "process " + std::to_string(record.process) + " on " + record.host;
}

void add(std::string& text, const std::string& sentence, const char* between = "; ") {
  text += (text.empty() ? "" : between) + sentence;
}

}  // namespace

std::string who_is_gone(const RankRecords& before, const RankRecords& after, double apart, int64_t mine) {
  std::string gone;
  for (int64_t r = 0; r < static_cast<int64_t>(after.size()); ++r) {
    const auto &then = before[static_cast<size_t>(r)], &now = after[static_cast<size_t>(r)];
    if (r == mine || (now && !now->failed.empty())) continue;
    if (!now) {
      add(gone, rank_name(r) + " has not started");
    } else if (now->left) {
      add(gone, rank_name(r) + " has left: what it printed last says why");
    } else if (then && then->beat == now->beat) {
      add(gone, rank_name(r) + " is gone: no sign of life for " + seconds_text(apart) + " from " +
                    process_of(*now) + ", last seen " + now->doing());
    }
  }
  return gone;
}

std::string who_is_missing(const RankRecords& before, const RankRecords& after, double apart, int64_t mine,
                           const std::vector<int64_t>& members, const std::string& what) {
  const auto gone = who_is_gone(before, after, apart, mine);
  if (!gone.empty()) return gone;
  std::string late, elsewhere, failed;
  for (int64_t r = 0; r < static_cast<int64_t>(after.size()); ++r) {
    const auto& now = after[static_cast<size_t>(r)];
    if (r != mine && now && !now->failed.empty()) add(failed, rank_name(r) + " failed in '" + now->failed + "'");
  }
  for (const auto r : members) {
    const auto& now = after[static_cast<size_t>(r)];
    if (r == mine || !now || now->left || !now->failed.empty() || now->waits_in(what)) continue;
    add(now->computing > 0 ? late : elsewhere,
        rank_name(r) + (now->computing > 0 ? " is late: " : " is ") + now->doing() + " (" + process_of(*now) + ")");
  }
  if (!late.empty()) return late + "; if it needs that long, raise parallel.timeout";
  if (!elsewhere.empty()) return elsewhere;
  if (!failed.empty()) return failed + ", and nobody is gone";
  return "all ranks are there: the network between them failed";
}

bool is_alive(const RankRecords& before, const RankRecords& after, int64_t r) {
  const auto &then = before[static_cast<size_t>(r)], &now = after[static_cast<size_t>(r)];
  return now && (!then || now->beat > then->beat);
}

std::string waited_for(const RankRecords& before, const RankRecords& after, int64_t mine,
                       const std::vector<int64_t>& members, const std::string& what) {
  std::string text;
  for (const auto r : members) {
    const auto& record = after[static_cast<size_t>(r)];
    if (r == mine || (record && record->waits_in(what) && is_alive(before, after, r))) continue;
    add(text, rank_name(r) + " (" + (!record ? "not started" : record->left ? "has left" : record->doing()) + ")",
        ", ");
  }
  return text;
}

}  // namespace moe

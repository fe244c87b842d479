#include "train/launch/watch_thread.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "train/log.h"

namespace moe {
namespace {

using namespace std::chrono_literals;

// About once a second. What is written into a file stays there, 100 bytes at a time: half as often.
WatchThread::Clock::duration pause_of(const Rendezvous& rendezvous, std::chrono::milliseconds timeout) {
  return std::clamp<std::chrono::milliseconds>(timeout / 10, 100ms, rendezvous.growing ? 2s : 1s);
}

std::string host_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

double in_seconds(WatchThread::Clock::duration time) { return std::chrono::duration<double>(time).count(); }
constexpr int64_t kLook = 5;  // beats between two looks at all ranks
std::string key(int64_t rank) { return "rank/" + std::to_string(rank); }
constexpr auto kFound = "found";

}  // namespace

WatchThread::WatchThread(const Rendezvous& rendezvous, int64_t rank, int64_t ranks,
                         std::chrono::milliseconds timeout, bool announces)
    : rendezvous_(rendezvous),
      store_(rendezvous.store->clone()),
      rank_(rank),
      ranks_(ranks),
      timeout_(timeout),
      pause_(pause_of(rendezvous, timeout)),
      announces_(announces) {}

void WatchThread::start() {
  // The thread keeps this object, so that one that is stuck in the store may be left behind.
  thread_ = std::thread([self = shared_from_this()] { self->run(); });
}

void WatchThread::stop() {
  Lock lock(mutex_);
  leaving_ = wake_ = true;
  changed_.notify_all();
  if (rendezvous_.served && failed_.empty()) wait_for_others(lock);
  closing_ = wake_ = true;
  changed_.notify_all();
  const bool ended = changed_.wait_for(lock, 2 * pause_ + 1s, [&] { return ended_; });
  lock.unlock();
  ended ? thread_.join() : thread_.detach();
}

void WatchThread::waits_for(const std::string& what, const Members& members) {
  const Lock lock(mutex_);
  waits_[std::this_thread::get_id()] = {what, members, Clock::now()};
}

void WatchThread::goes_on() {
  const Lock lock(mutex_);
  waits_.erase(std::this_thread::get_id());
  if (std::this_thread::get_id() == main_) computing_since_ = Clock::now();
}

void WatchThread::now_at(const std::string& where) {
  const Lock lock(mutex_);
  at_ = where;
}

void WatchThread::run() {
  Lock lock(mutex_);
  while (!broken_) {
    const bool last = closing_;
    wake_ = false;
    beat(lock);
    changed_.notify_all();
    if (last) break;
    changed_.wait_for(lock, pause_, [&] { return wake_; });
  }
  ended_ = true;
  changed_.notify_all();
}

// Writes this rank's record, and reads what is asked for, without the lock.
void WatchThread::beat(Lock& lock) {
  const auto mine = record().text();
  auto* wait = overdue();
  const auto warning = wait ? std::optional(*wait) : std::nullopt;
  if (wait) wait->warned = true;
  const bool look = announces_ && beats_ % kLook == 0;
  const auto now = Clock::now();
  const bool first_look = std::any_of(waits_.begin(), waits_.end(), [&](const auto& each) {
    return becomes_long(each.second);
  });
  const bool read = wanted_ || warning || look || first_look;
  const auto finding = finding_;
  wanted_ = false;
  lock.unlock();

  RankRecords records;
  std::string found;
  bool broken = false;
  try {
    store_->set(key(rank_), mine);
    if (read) records = read_all();
    const bool any = store_->check({kFound});
    if (any) found = store_->get_to_str(kFound);
    if (!any && !finding.empty()) store_->set(kFound, finding);
    if (warning) warn(*warning, records);
    if (look) announce(records);
  } catch (const std::exception&) {
    broken = true;
  }

  lock.lock();
  broken_ = broken;
  if (!found.empty()) found_ = found;
  if (read && !broken) {
    for (auto& [thread, each] : waits_) {
      if (each.since < now && becomes_long(each)) {
        each.first_look = records;
        each.looked_at = now;
      }
    }
    records_ = std::move(records);
    ++readings_;
  }
}

RankRecord WatchThread::record() {
  RankRecord mine;
  mine.beat = ++beats_;
  mine.host = host_name();
  mine.process = ::getpid();
  mine.at = at_;
  mine.failed = failed_;
  mine.left = leaving_;
  const auto now = Clock::now();
  if (!waits_.contains(main_)) mine.computing = std::max(in_seconds(now - computing_since_), 0.1);
  for (const auto& [thread, wait] : waits_) {
    const auto place = thread == main_ ? mine.waiting.begin() : mine.waiting.end();
    mine.waiting.insert(place, {wait.what, in_seconds(now - wait.since)});
  }
  return mine;
}

RankRecords WatchThread::read_all() {
  RankRecords records;
  for (int64_t r = 0; r < ranks_; ++r) {
    records.push_back(store_->check({key(r)}) ? RankRecord::from(store_->get_to_str(key(r))) : std::nullopt);
  }
  return records;
}

// Two beats before one may speak of it, so that who has stopped meanwhile is told from who waits too.
bool WatchThread::becomes_long(const Wait& wait) const {
  return wait.first_look.empty() && failed_.empty() && Clock::now() - wait.since > timeout_ / 4 - 2 * pause_;
}

// A wait of a quarter of the timeout that has not been spoken of.
WatchThread::Wait* WatchThread::overdue() {
  for (auto& [thread, wait] : waits_) {
    const auto now = Clock::now();
    const bool looked = !wait.first_look.empty() && now - wait.looked_at > 2 * pause_ - 1ms;
    if (!wait.warned && looked && failed_.empty() && now - wait.since > timeout_ / 4) return &wait;
  }
  return nullptr;
}

// Whoever is the first rank's reader wants to know it, also when that rank is the one that is missing.
void WatchThread::say(const std::string& text) const { rank_ == 0 ? log_warning(text) : log_error(text); }

void WatchThread::warn(const Wait& wait, const RankRecords& records) const {
  // The lowest of those who wait speaks for all.
  for (const auto r : *wait.members) {
    const auto& other = records[static_cast<size_t>(r)];
    if (r < rank_ && other && other->waits_in(wait.what) && is_alive(wait.first_look, records, r)) return;
  }
  const auto who = waited_for(wait.first_look, records, rank_, *wait.members, wait.what);
  say("waiting " + seconds_text(in_seconds(Clock::now() - wait.since)) + " in '" + wait.what + "' " +
      (who.empty() ? "with all ranks in it" : "for " + who));
}

void WatchThread::announce(const RankRecords& records) {
  const auto before = std::exchange(last_look_, records);
  if (announced_ || before.empty()) return;
  for (int64_t r = 0; r < rank_; ++r) {  // the lowest that lives speaks for all
    const auto &then = before[static_cast<size_t>(r)], &now = records[static_cast<size_t>(r)];
    if (then && now && now->beat > then->beat) return;
  }
  const auto gone = who_is_gone(before, records, in_seconds(kLook * pause_), rank_);
  announced_ = !gone.empty();
  if (announced_) say(gone);
}

std::optional<RankRecords> WatchThread::next_records(Lock& lock) {
  const auto last = readings_;
  wanted_ = wake_ = true;
  changed_.notify_all();
  changed_.wait_for(lock, 2 * pause_ + 1s, [&] { return readings_ > last || broken_ || ended_; });
  return readings_ > last ? std::optional(records_) : std::nullopt;
}

std::string WatchThread::explain(const std::string& what, const std::string& error,
                                 const std::vector<int64_t>& members) {
  Lock lock(mutex_);
  failed_ = what;
  const auto here = waits_.find(std::this_thread::get_id());
  std::string text = "rank " + std::to_string(rank_);
  text += " failed";
  if (here != waits_.end()) text += " after " + seconds_text(in_seconds(Clock::now() - here->second.since));
  text += " in '" + what + "'" + (at_.empty() ? "" : " at " + at_) + ": ";

  // Three beats apart, and a second where beats are short and the machine is busy.
  const auto apart = std::max<Clock::duration>(3 * pause_, 1s);
  const auto before = next_records(lock);
  if (before) changed_.wait_for(lock, apart, [&] { return broken_; });
  const auto after = before ? next_records(lock) : std::nullopt;
  std::string missing;
  if (after) {
    missing = who_is_missing(*before, *after, in_seconds(apart), rank_, members, what);
    finding_ = missing + " (found by rank " + std::to_string(rank_) + ")";
    let_others_read(lock);
  } else if (!found_.empty()) {
    missing = found_;  // by a rank that has taken the store with it
  } else {
    missing = rendezvous_.keeper + (broken_ ? " is gone" : " does not answer: it is stopped or cut off");
  }
  return text + missing + " (c10d: " + error + "). See what that rank printed; the same command resumes the run";
}

// Before this rank ends, and the store with it.
void WatchThread::let_others_read(Lock& lock) {
  next_records(lock);
  if (rendezvous_.served) changed_.wait_for(lock, 2 * pause_, [&] { return broken_; });
}

void WatchThread::wait_for_others(Lock& lock) {
  const auto until = Clock::now() + std::max<Clock::duration>(3 * pause_, 1s) + 3 * pause_;
  const auto left = [&](const RankRecords& records) {
    return std::all_of(records.begin(), records.end(), [](const auto& record) { return record && record->left; });
  };
  while (!broken_ && Clock::now() < until) {
    const auto records = next_records(lock);
    if (!records || left(*records)) break;
    changed_.wait_for(lock, pause_ / 4, [&] { return broken_; });
  }
}

}  // namespace moe

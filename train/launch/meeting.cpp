#include "train/launch/meeting.h"

#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "configs/errors.h"
#include "train/format.h"

namespace moe {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kLongestPause = std::chrono::milliseconds(50);

std::optional<std::string> read(c10d::Store& store, const std::string& key) {
  if (!store.check({key})) return std::nullopt;
  return store.get_to_str(key);
}

std::string draw() {
  std::random_device device;  // the system's: ranks start in the same instant
  return std::to_string(device()) + "-" + std::to_string(device());
}

std::string line_of(const std::string& text, int64_t line) {
  size_t begin = 0;
  for (; line > 0 && begin != std::string::npos; --line) {
    begin = text.find('\n', begin);
    if (begin != std::string::npos) ++begin;
  }
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find('\n', begin) - begin);
}

// One rank of it. Keys: come/R the number of rank R; list the numbers that rank 0 found, below a name;
// seen/R the name of the list in which rank R found its number; go the name of the list that all saw.
class Meeting {
 public:
  Meeting(c10d::Store& store, int64_t rank, int64_t ranks) : store_(store), rank_(rank), ranks_(ranks) {
    store_.set(key("come/", rank), mine_);
  }

  // One look. Whether all have come.
  bool complete() {
    if (rank_ == 0) write_list();
    const auto list = read(store_, "list");
    listed_ = list && line_of(*list, rank_ + 1) == mine_;
    if (!listed_) return false;
    const auto name = line_of(*list, 0);
    if (name_ != name) store_.set(key("seen/", rank_), name);
    name_ = name;
    if (rank_ == 0 && missing().empty()) store_.set("go", name_);
    return read(store_, "go") == name_;
  }

  // Why this rank stops waiting, or nothing: the others' reason where one of them has stopped before.
  std::string end(bool late, const std::string& within) {
    const auto reason_key = "without/" + name_;
    if (const auto reason = listed_ ? read(store_, reason_key) : std::nullopt) return *reason;
    if (!late) return "";
    if (read(store_, key("come/", rank_)) != mine_) {
      return name_of(rank_) + " was started twice: give every process a rank of its own";
    }
    // Rank 0 lists within milliseconds whoever comes.
    const auto who = listed_ ? missing() : std::vector<int64_t>{0};
    const auto reason = absence(who, within);
    if (listed_) {
      store_.set(reason_key, reason);
      std::this_thread::sleep_for(4 * kLongestPause);  // with rank 0 the store goes
    }
    return reason;
  }

  const std::string& name() const { return name_; }

 private:
  static std::string key(const char* what, int64_t rank) { return what + std::to_string(rank); }
  std::string name_of(int64_t rank) const {
    return "rank " + std::to_string(rank) + " of " + std::to_string(ranks_);
  }

  std::string absence(const std::vector<int64_t>& who, const std::string& within) const {
    if (who.size() == 1) return name_of(who[0]) + " has not come within " + within + " s: was it started?";
    std::string names;
    for (const auto r : who) names += (names.empty() ? "" : ", ") + std::to_string(r);
    return "ranks " + names + " of " + std::to_string(ranks_) + " have not come within " + within +
           " s: were they started?";
  }

  // A new list whenever the numbers are others than in the last: some were a former attempt's.
  void write_list() {
    std::string numbers;
    for (int64_t r = 0; r < ranks_; ++r) numbers += read(store_, key("come/", r)).value_or("") + "\n";
    if (numbers == numbers_) return;
    numbers_ = numbers;
    store_.set("list", draw() + "\n" + numbers);
  }

  // Of the list with this rank's number: ranks that have not seen it.
  std::vector<int64_t> missing() {
    std::vector<int64_t> missing;
    for (int64_t r = 0; r < ranks_; ++r) {
      if (read(store_, key("seen/", r)) != name_) missing.push_back(r);
    }
    return missing;
  }

  c10d::Store& store_;
  int64_t rank_, ranks_;
  std::string mine_ = draw(), numbers_, name_;
  bool listed_ = false;
};

}  // namespace

std::string meet(c10d::Store& store, int64_t rank, int64_t ranks, std::chrono::milliseconds timeout) {
  const auto until = Clock::now() + timeout;
  const auto within = format("%g", std::chrono::duration<double>(timeout).count());
  Meeting meeting(store, rank, ranks);
  auto pause = std::chrono::milliseconds(2);
  while (!meeting.complete()) {
    const auto reason = meeting.end(Clock::now() > until, within);
    if (!reason.empty()) throw RankFailure(reason);
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, kLongestPause);
  }
  return meeting.name();
}

}  // namespace moe

// The thread of RanksWatched, which alone uses the store, and what others tell it and learn from it.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "train/launch/rendezvous.h"
#include "train/launch/watch_report.h"

namespace moe {

class WatchThread : public std::enable_shared_from_this<WatchThread> {
 public:
  using Clock = std::chrono::steady_clock;
  using Members = std::shared_ptr<const std::vector<int64_t>>;

  // Made by the thread that computes. `announces`: see RanksWatched.
  WatchThread(const Rendezvous& rendezvous, int64_t rank, int64_t ranks, std::chrono::milliseconds timeout,
              bool announces);

  void start();
  void stop();  // the rank has left

  void waits_for(const std::string& what, const Members& members);
  void goes_on();
  void now_at(const std::string& where);
  std::string explain(const std::string& what, const std::string& error, const std::vector<int64_t>& members);

 private:
  struct Wait {
    std::string what;
    Members members;
    Clock::time_point since;
    bool warned = false;
    RankRecords first_look{};        // at all ranks, once this wait is long
    Clock::time_point looked_at{};
  };
  using Lock = std::unique_lock<std::mutex>;

  void run();
  void beat(Lock& lock);
  void warn(const Wait& wait, const RankRecords& records) const;
  void announce(const RankRecords& records);
  void say(const std::string& text) const;
  bool becomes_long(const Wait& wait) const;
  Wait* overdue();
  RankRecord record();
  RankRecords read_all();
  std::optional<RankRecords> next_records(Lock& lock);
  void let_others_read(Lock& lock);
  void wait_for_others(Lock& lock);

  const Rendezvous rendezvous_;  // holds the store that this process may serve
  const c10::intrusive_ptr<c10d::Store> store_;
  const int64_t rank_, ranks_;
  const Clock::duration timeout_, pause_;
  const bool announces_;
  const std::thread::id main_ = std::this_thread::get_id();
  std::thread thread_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::thread::id, Wait> waits_;
  std::string at_, failed_;
  Clock::time_point computing_since_ = Clock::now();
  bool leaving_ = false, closing_ = false, wake_ = false, wanted_ = false;
  std::string finding_;  // of this rank, for the others

  int64_t beats_ = 0, readings_ = 0;
  RankRecords records_;
  std::string found_;    // the first finding of any rank
  bool broken_ = false;  // the store is gone
  bool ended_ = false;

  RankRecords last_look_;  // the thread's alone
  bool announced_ = false;
};

}  // namespace moe

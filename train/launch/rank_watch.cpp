#include "train/launch/rank_watch.h"

#include "train/launch/watch_thread.h"

namespace moe {

// One group's part in it.
class GroupWatch : public RankWatch {
 public:
  GroupWatch(std::shared_ptr<RanksWatched> all, std::vector<int64_t> members)
      : all_(std::move(all)), members_(std::make_shared<std::vector<int64_t>>(std::move(members))) {}

  void waits_for(const std::string& what) override { thread().waits_for(what, members_); }
  void goes_on() override { thread().goes_on(); }
  void now_at(const std::string& where) override { thread().now_at(where); }
  std::string explain(const std::string& what, const std::string& error) override {
    return thread().explain(what, error, *members_);
  }

 private:
  WatchThread& thread() const { return *all_->thread_; }

  std::shared_ptr<RanksWatched> all_;
  WatchThread::Members members_;
};

RanksWatched::RanksWatched(const Rendezvous& rendezvous, int64_t rank, int64_t ranks,
                           std::chrono::milliseconds timeout, bool announces)
    : thread_(std::make_shared<WatchThread>(rendezvous, rank, ranks, timeout, announces)) {
  thread_->start();
}

RanksWatched::~RanksWatched() { thread_->stop(); }

std::shared_ptr<RankWatch> RanksWatched::of(std::shared_ptr<RanksWatched> all, std::vector<int64_t> members) {
  return std::make_shared<GroupWatch>(std::move(all), std::move(members));
}

}  // namespace moe

// Ranks as threads of one process: what needs many of them is tested without a launcher, a socket or a
// time-out. Collectives that do not fit together, and ranks that end while others wait, are errors.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "gates/rank_scope.h"

namespace moe {

// Where the ranks meet. A rank waits here until every other one has come too.
class MeetingPlace {
 public:
  // What a rank gets that waits for one which has left; the error of that one is what matters.
  struct LeftAlone : std::runtime_error {
    using std::runtime_error::runtime_error;
  };

  explicit MeetingPlace(int64_t ranks) : here_(static_cast<size_t>(ranks)) {}
  int64_t ranks() const { return static_cast<int64_t>(here_.size()); }

  // Every rank's tensor, in the order of ranks.
  std::vector<Tensor> meet(int64_t rank, const Tensor& mine) {
    std::unique_lock lock(mutex_);
    here_[static_cast<size_t>(rank)] = mine.detach().clone();
    const int64_t round = round_;
    if (++arrived_ == ranks()) {
      arrived_ = 0;
      all_ = here_;  // those of the round before have been read: their readers are all here
      ++round_;
      changed_.notify_all();
    } else {
      changed_.wait(lock, [&] { return round_ != round || left_; });
    }
    if (round_ == round) {
      throw LeftAlone("a rank has ended while rank " + std::to_string(rank) + " waits for it");
    }
    for (const auto& other : all_) {
      TORCH_CHECK(other.sizes() == mine.sizes() && other.scalar_type() == mine.scalar_type(),
                  "collectives of ranks do not fit together: ", other.sizes(), " ", other.scalar_type(),
                  " and ", mine.sizes(), " ", mine.scalar_type());
    }
    return all_;
  }
  // This rank comes no more, whether it is done or has failed.
  void leave() {
    const std::lock_guard lock(mutex_);
    left_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Tensor> here_, all_;
  int64_t arrived_ = 0, round_ = 0;
  bool left_ = false;
};

// RankScope as it is promised, and what a test changes of it to be wrong.
class ThreadRanks : public RankScope {
 public:
  struct Wrong {
    bool sums_backward = false;  // as a sum whose gradient is summed over ranks, too
    bool scans_nothing = false;
    bool sums_nothing = false;
  };

  ThreadRanks(MeetingPlace& place, int64_t rank, Wrong wrong)
      : place_(place), rank_(rank), wrong_(wrong) {}
  int64_t ranks() const override { return place_.ranks(); }
  Tensor sum(const Tensor& values) const override {
    // Every rank's loss is the same function of the sum, so its gradients are alike.
    const double factor = wrong_.sums_backward ? static_cast<double>(ranks()) : 1;
    return wrong_.sums_nothing ? values : Sum::apply(values, this, factor);
  }
  Tensor exclusive_scan(const Tensor& values) const override {
    const auto all = place_.meet(rank_, values);
    auto sum = at::zeros_like(all.front());
    for (int64_t rank = 0; rank < (wrong_.scans_nothing ? 0 : rank_); ++rank) {
      sum += all[static_cast<size_t>(rank)];
    }
    return sum;
  }

 private:
  struct Sum : torch::autograd::Function<Sum> {
    static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& values,
                          const ThreadRanks* self, double factor) {
      context->saved_data["factor"] = factor;
      auto sum = at::zeros_like(values);
      for (const auto& each : self->place_.meet(self->rank_, values)) {
        sum += each;
      }
      return sum;
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   torch::autograd::variable_list grad) {
      return {grad[0] * context->saved_data["factor"].toDouble(), Tensor(), Tensor()};
    }
  };

  MeetingPlace& place_;
  int64_t rank_;
  Wrong wrong_;
};

// Runs `rank` on a thread for each rank. Throws what the first rank that failed has thrown.
inline void run_ranks(int64_t ranks,
                      const std::function<void(const RankScope& scope, int64_t rank)>& body,
                      ThreadRanks::Wrong wrong = {}) {
  MeetingPlace place(ranks);
  std::vector<std::exception_ptr> failed(static_cast<size_t>(ranks)), alone(static_cast<size_t>(ranks));
  std::vector<std::thread> threads;
  for (int64_t rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] {
      const auto own = static_cast<size_t>(rank);
      try {
        body(ThreadRanks(place, rank, wrong), rank);
      } catch (const MeetingPlace::LeftAlone&) {
        alone[own] = std::current_exception();
      } catch (...) {
        failed[own] = std::current_exception();
      }
      place.leave();
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  failed.insert(failed.end(), alone.begin(), alone.end());
  for (const auto& error : failed) {
    if (error) {
      std::rethrow_exception(error);
    }
  }
}

}  // namespace moe

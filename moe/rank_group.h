// Ranks that communicate: one of c10d's process groups (Gloo on CPUs, NCCL on GPUs) under this project's
// names, or a rank alone, for which every operation is what it is for one. No collective is ours.
//
// Every operation has a name, `what` ("gradients", "expert exchange of layer 3"), with which a failure
// and a wait are reported; messages put it between apostrophes, so it has none of its own.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "layers/torch.h"

namespace c10d {
class Backend;
class Work;
}  // namespace c10d

namespace moe {

// Knows what every rank is doing (train/launch/rank_watch.h). Called from several threads.
class RankWatch {
 public:
  virtual ~RankWatch() = default;
  // This rank waits for the others; it goes on.
  virtual void waits_for(const std::string& what) = 0;
  virtual void goes_on() = 0;
  // Where this rank is in its work: "step 12".
  virtual void now_at(const std::string& where) = 0;
  // After `what` failed with c10d's `error`: sentences that name the rank which is gone or late and the
  // operation that this one was in.
  virtual std::string explain(const std::string& what, const std::string& error) = 0;
};

// An operation that has been begun. Its tensors must not be touched before wait() has returned.
class Pending {
 public:
  Pending();  // done already
  Pending(c10::intrusive_ptr<c10d::Work> work, std::string what, std::shared_ptr<RankWatch> watch,
          std::vector<Tensor> held);
  ~Pending();
  Pending(Pending&&) noexcept;
  Pending& operator=(Pending&&) noexcept;

  // On a GPU the device's stream waits, not the host. Throws RankFailure.
  void wait();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class RankGroup {
 public:
  RankGroup();  // this rank alone
  RankGroup(c10::intrusive_ptr<c10d::Backend> backend, std::shared_ptr<RankWatch> watch);
  ~RankGroup();
  RankGroup(const RankGroup&) = delete;
  RankGroup& operator=(const RankGroup&) = delete;

  int64_t rank() const;  // in this group, from 0
  int64_t size() const;  // R
  bool alone() const { return size() == 1; }
  std::shared_ptr<RankWatch> watch() const;  // null for a rank alone

  // In place; afterwards the same on every rank. Values are contiguous.
  Pending sum(const Tensor& values, const std::string& what) const;
  Pending max(const Tensor& values, const std::string& what) const;
  Pending broadcast(const Tensor& values, int64_t from, const std::string& what) const;
  // all [R * n, ...] becomes every rank's mine [n, ...], in the order of ranks.
  Pending gather(const Tensor& all, const Tensor& mine, const std::string& what) const;
  // Rows to every rank and from every rank: sent[r] rows of `out_rows`, in the order of ranks, go to rank
  // r; in_rows gets received[r] rows from it. Splits are the host's; any may be 0.
  Pending exchange(const Tensor& in_rows, const Tensor& out_rows, const std::vector<int64_t>& received,
                   const std::vector<int64_t>& sent, const std::string& what) const;

  // What this rank has handed over for others so far, by operation ("sum", "max", "broadcast", "gather",
  // "exchange"): bytes as the usual algorithms move them, with n the bytes of the tensor: a sum or max
  // 2 n (R - 1) / R (ring), a gather (R - 1) n, a broadcast n (R - 1) / R, an exchange the rows for
  // others. Nothing for a rank alone.
  struct Traffic {
    int64_t operations = 0;
    double bytes = 0;
  };
  std::map<std::string, Traffic> traffic() const;

  // Gives up on what is under way, so that this process can end: a NCCL communicator is aborted.
  void abort();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace moe

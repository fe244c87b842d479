#include "moe/rank_group.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/distributed/c10d/Backend.hpp>

#include <exception>
#include <mutex>
#include <numeric>

#include "configs/errors.h"

namespace moe {
namespace {

[[noreturn]] void fail(const std::shared_ptr<RankWatch>& watch, const std::string& what,
                       const std::exception& error) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  const std::string text = torch_error ? torch_error->what_without_backtrace() : error.what();
  throw RankFailure(watch ? watch->explain(what, text) : "'" + what + "' failed: " + text);
}

double bytes_of(const Tensor& values) { return static_cast<double>(values.numel() * values.element_size()); }

void check_contiguous(const Tensor& values, const std::string& what) {
  TORCH_CHECK(values.is_contiguous(), "'", what, "': ranks exchange contiguous tensors only, found strides ",
              values.strides(), " of sizes ", values.sizes());
}

}  // namespace

struct Pending::State {
  c10::intrusive_ptr<c10d::Work> work;
  std::string what;
  std::shared_ptr<RankWatch> watch;
  std::vector<Tensor> held;
};

Pending::Pending() = default;
Pending::Pending(c10::intrusive_ptr<c10d::Work> work, std::string what, std::shared_ptr<RankWatch> watch,
                 std::vector<Tensor> held)
    : state_(new State{std::move(work), std::move(what), std::move(watch), std::move(held)}) {}
// Without a wait only when an exception passes: c10d holds the tensors by itself until it is done.
Pending::~Pending() = default;
Pending::Pending(Pending&&) noexcept = default;
Pending& Pending::operator=(Pending&&) noexcept = default;

void Pending::wait() {
  if (!state_) return;
  const auto state = std::move(state_);
  if (state->watch) state->watch->waits_for(state->what);
  try {
    state->work->wait();
  } catch (const std::exception& error) {
    fail(state->watch, state->what, error);  // still "waiting", which the others may want to know
  }
  if (state->watch) state->watch->goes_on();
}

struct RankGroup::Impl {
  c10::intrusive_ptr<c10d::Backend> backend;
  std::shared_ptr<RankWatch> watch;
  bool aborted = false;
  std::mutex mutex;
  std::map<std::string, Traffic> traffic;

  // Begins `call` and counts it.
  template <class Call>
  Pending begin(const char* operation, double bytes, const std::string& what, std::vector<Tensor> held,
                Call call) {
    {
      const std::lock_guard lock(mutex);
      auto& sum = traffic[operation];
      ++sum.operations;
      sum.bytes += bytes;
    }
    try {
      return Pending(call(), what, watch, std::move(held));
    } catch (const std::exception& error) {
      fail(watch, what, error);
    }
  }

  Pending reduce(const char* operation, c10d::ReduceOp::RedOpType how, const Tensor& values,
                 const std::string& what) {
    check_contiguous(values, what);
    TORCH_CHECK(values.scalar_type() != at::kBool, "'", what, "': a ", operation, " of bools is none");
    if (!backend || values.numel() == 0) return {};
    const double R = backend->getSize();
    return begin(operation, 2 * bytes_of(values) * (R - 1) / R, what, {values}, [&] {
      std::vector<Tensor> tensors{values};
      c10d::AllreduceOptions options;
      options.reduceOp = how;
      return backend->allreduce(tensors, options);
    });
  }
};

RankGroup::RankGroup() : impl_(new Impl) {}

RankGroup::RankGroup(c10::intrusive_ptr<c10d::Backend> backend, std::shared_ptr<RankWatch> watch)
    : impl_(new Impl) {
  impl_->backend = std::move(backend);
  impl_->watch = std::move(watch);
}

// While an exception passes others may be gone, and a regular end would wait for them.
RankGroup::~RankGroup() {
  if (!impl_->backend || impl_->aborted) return;
  try {
    std::uncaught_exceptions() > 0 ? impl_->backend->abort() : impl_->backend->shutdown();
  } catch (const std::exception&) {
    // The process goes on to its end; what went wrong before has been said.
  }
}

int64_t RankGroup::rank() const { return impl_->backend ? impl_->backend->getRank() : 0; }
int64_t RankGroup::size() const { return impl_->backend ? impl_->backend->getSize() : 1; }
std::shared_ptr<RankWatch> RankGroup::watch() const { return impl_->watch; }

Pending RankGroup::sum(const Tensor& values, const std::string& what) const {
  return impl_->reduce("sum", c10d::ReduceOp::SUM, values, what);
}

Pending RankGroup::max(const Tensor& values, const std::string& what) const {
  return impl_->reduce("max", c10d::ReduceOp::MAX, values, what);
}

Pending RankGroup::broadcast(const Tensor& values, int64_t from, const std::string& what) const {
  check_contiguous(values, what);
  TORCH_CHECK(from >= 0 && from < size(), "'", what, "': no rank ", from, " among ", size());
  if (!impl_->backend || values.numel() == 0) return {};
  const auto R = static_cast<double>(size());
  return impl_->begin("broadcast", bytes_of(values) * (R - 1) / R, what, {values}, [&] {
    std::vector<Tensor> tensors{values};
    c10d::BroadcastOptions options;
    options.rootRank = from;
    return impl_->backend->broadcast(tensors, options);
  });
}

Pending RankGroup::gather(const Tensor& all, const Tensor& mine, const std::string& what) const {
  check_contiguous(all, what);
  check_contiguous(mine, what);
  TORCH_CHECK(all.numel() == size() * mine.numel() && all.scalar_type() == mine.scalar_type(), "'", what,
              "': expected ", size(), " times ", mine.sizes(), " of ", mine.scalar_type(), ", found ",
              all.sizes(), " of ", all.scalar_type());
  if (!impl_->backend) {
    const at::NoGradGuard no_grad;
    all.view_as(mine).copy_(mine);
    return {};
  }
  if (mine.numel() == 0) return {};
  return impl_->begin("gather", bytes_of(mine) * static_cast<double>(size() - 1), what, {all, mine}, [&] {
    auto to = all.view(-1), from = mine.view(-1);  // Gloo knows no gather of numbers without a dimension
    return impl_->backend->_allgather_base(to, from);
  });
}

Pending RankGroup::exchange(const Tensor& in_rows, const Tensor& out_rows, const std::vector<int64_t>& received,
                            const std::vector<int64_t>& sent, const std::string& what) const {
  check_contiguous(in_rows, what);
  check_contiguous(out_rows, what);
  const auto rows = [](const std::vector<int64_t>& splits) {
    return std::accumulate(splits.begin(), splits.end(), int64_t{0});
  };
  TORCH_CHECK(in_rows.dim() > 0 && out_rows.dim() > 0 &&
                  in_rows.sizes().slice(1) == out_rows.sizes().slice(1) &&
                  in_rows.scalar_type() == out_rows.scalar_type(),
              "'", what, "': rows in ", in_rows.sizes(), " of ", in_rows.scalar_type(), ", rows out ",
              out_rows.sizes(), " of ", out_rows.scalar_type());
  TORCH_CHECK(static_cast<int64_t>(received.size()) == size() && static_cast<int64_t>(sent.size()) == size() &&
                  rows(received) == in_rows.size(0) && rows(sent) == out_rows.size(0),
              "'", what, "': ", size(), " ranks, received ", received, " of ", in_rows.size(0), " rows, sent ",
              sent, " of ", out_rows.size(0));
  if (!impl_->backend) {
    const at::NoGradGuard no_grad;
    in_rows.copy_(out_rows);
    return {};
  }
  const auto row_bytes = c10::multiply_integers(in_rows.sizes().slice(1)) * in_rows.element_size();
  if (row_bytes == 0) return {};
  const auto for_others = static_cast<double>((rows(sent) - sent[static_cast<size_t>(rank())]) * row_bytes);
  return impl_->begin("exchange", for_others, what, {in_rows, out_rows}, [&] {
    auto to = in_rows, from = out_rows;
    auto in_splits = received, out_splits = sent;
    return impl_->backend->alltoall_base(to, from, in_splits, out_splits);
  });
}

std::map<std::string, RankGroup::Traffic> RankGroup::traffic() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->traffic;
}

void RankGroup::abort() {
  if (!impl_->backend || impl_->aborted) return;
  impl_->aborted = true;
  impl_->backend->abort();
}

}  // namespace moe

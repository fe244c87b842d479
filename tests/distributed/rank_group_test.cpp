// Every operation of RankGroup among real ranks, each a process, over Gloo on the loopback interface.
#include <gtest/gtest.h>

#include "tests/distributed/start_rank.h"

namespace moe {
namespace {

// [2, 3], other values on every rank.
Tensor values_of(int64_t rank, at::ScalarType type) {
  return (at::arange(6, at::kDouble).view({2, 3}) + 10 * static_cast<double>(rank)).to(type);
}

void expect_equal(const Tensor& a, const Tensor& b) { EXPECT_TRUE(a.equal(b)) << a << "\n" << b; }

void check_sums(const RankGroup& group) {
  const int64_t R = group.size();
  for (const auto type : {at::kFloat, at::kDouble, at::kBFloat16, at::kLong}) {
    auto sum = values_of(group.rank(), type), most = sum.clone();
    auto expected = at::zeros_like(sum);
    for (int64_t r = 0; r < R; ++r) expected += values_of(r, type);
    group.sum(sum, "a sum").wait();
    expect_equal(sum, expected);
    group.max(most, "a max").wait();
    expect_equal(most, values_of(R - 1, type));
  }
  auto none = at::empty({0, 3});
  group.sum(none, "a sum of nothing").wait();
}

void check_copies(const RankGroup& group) {
  const int64_t R = group.size(), last = R - 1;
  for (const auto type : {at::kFloat, at::kBool, at::kByte, at::kLong}) {
    auto values = values_of(group.rank(), type);
    group.broadcast(values, last, "a broadcast").wait();
    expect_equal(values, values_of(last, type));

    const auto all = at::empty({2 * R, 3}, type);
    group.gather(all, values_of(group.rank(), type), "a gather").wait();
    for (int64_t r = 0; r < R; ++r) expect_equal(all.narrow(0, 2 * r, 2), values_of(r, type));
  }
  const auto numbers = at::empty({R}, at::kLong);
  group.gather(numbers, at::full({}, group.rank(), at::kLong), "numbers").wait();
  expect_equal(numbers, at::arange(R));
}

// Rank r sends (r + to) % 3 rows to rank `to`, with values that tell both: some none at all.
void check_exchange(const RankGroup& group) {
  const int64_t R = group.size(), me = group.rank();
  std::vector<int64_t> sent, received;
  std::vector<Tensor> out{at::empty({0, 2})}, expected{at::empty({0, 2})};
  for (int64_t r = 0; r < R; ++r) {
    sent.push_back((me + r) % 3);
    received.push_back((r + me) % 3);
    out.push_back(at::full({sent.back(), 2}, static_cast<double>(100 * me + r)));
    expected.push_back(at::full({received.back(), 2}, static_cast<double>(100 * r + me)));
  }
  const auto out_rows = at::cat(out), want = at::cat(expected);
  const auto in_rows = at::empty_like(want);
  group.exchange(in_rows, out_rows, received, sent, "rows").wait();
  expect_equal(in_rows, want);
  // In half precision, in bytes, and where nobody sends anything.
  const auto half = at::empty_like(want, at::kBFloat16);
  group.exchange(half, out_rows.to(at::kBFloat16), received, sent, "half rows").wait();
  expect_equal(half, want.to(at::kBFloat16));
  const std::vector<int64_t> nothing(static_cast<size_t>(R), 0);
  group.exchange(at::empty({0, 2}), at::empty({0, 2}), nothing, nothing, "no rows").wait();
}

// This rank alone has no rows for anybody and gets none, while the others go on.
void check_one_without_rows(const RankGroup& group) {
  const int64_t R = group.size();
  const bool idle = group.rank() == 0;
  std::vector<int64_t> rows(static_cast<size_t>(R), idle ? 0 : 1);
  if (!idle) rows[0] = 0;
  const int64_t n = idle ? 0 : R - 1;
  const auto in_rows = at::zeros({n, 4});
  group.exchange(in_rows, at::full({n, 4}, static_cast<double>(group.rank())), rows, rows, "rows").wait();
  for (int64_t r = 0; r < n; ++r) expect_equal(in_rows[r], at::full({4}, static_cast<double>(r + 1)));
}

void check_many_at_once(const RankGroup& group) {
  std::vector<Tensor> values;
  std::vector<Pending> pending;
  for (int i = 0; i < 12; ++i) {
    values.push_back(at::full({1000 * i + 1}, static_cast<double>(group.rank() + i)));
    pending.push_back(group.sum(values.back(), "sum " + std::to_string(i)));
  }
  const auto R = static_cast<double>(group.size());
  for (size_t i = values.size(); i-- > 0;) {
    pending[i].wait();
    pending[i].wait();  // nothing
    const double expected = R * (R - 1) / 2 + R * static_cast<double>(i);
    EXPECT_EQ(values[i].min().item<double>(), expected);
    EXPECT_EQ(values[i].max().item<double>(), expected);
  }
}

void check_all(const RankGroup& group) {
  check_sums(group);
  check_copies(group);
  check_exchange(group);
  check_one_without_rows(group);
  check_many_at_once(group);
}

TEST(RankGroup, OneRankAloneDoesAllByItself) {
  const Mesh mesh;
  check_all(*mesh.world);
  EXPECT_TRUE(mesh.world->traffic().empty());
  EXPECT_EQ(mesh.world->watch(), nullptr);
}

TEST(RankGroup, TwoRanksDoEveryOperation) {
  if (in_rank()) return check_all(*start_rank().world);
  TestRanks ranks(2);
  expect_all_pass(ranks);
}

TEST(RankGroup, FourRanksDoEveryOperationInRowsAndColumns) {
  if (in_rank()) {
    const auto mesh = start_rank(2);
    EXPECT_EQ(mesh.rank(), mesh.data_index() * 2 + mesh.expert_index());
    EXPECT_EQ(mesh.data_ranks(), 2);
    EXPECT_EQ(mesh.expert_ranks(), 2);
    for (const auto& group : {mesh.world, mesh.gradients, mesh.expert, mesh.data, mesh.control, mesh.files}) {
      check_all(*group);
    }
    // Who they are: neighbours share a row.
    const auto row = at::full({1}, mesh.rank(), at::kLong), column = row.clone();
    mesh.expert->sum(row, "row").wait();
    mesh.data->sum(column, "column").wait();
    EXPECT_EQ(row.item<int64_t>(), mesh.rank() < 2 ? 0 + 1 : 2 + 3);
    EXPECT_EQ(column.item<int64_t>(), mesh.rank() % 2 == 0 ? 0 + 2 : 1 + 3);
    return;
  }
  TestRanks ranks(4);
  expect_all_pass(ranks);
}

TEST(RankGroup, CountsWhatItHandsOver) {
  if (in_rank()) {
    const auto mesh = start_rank();
    const auto& group = *mesh.world;
    const auto values = at::zeros({8}, at::kDouble), all = at::empty({32}, at::kDouble);
    group.sum(values, "a").wait();
    group.gather(all, values, "b").wait();
    group.broadcast(values, 0, "c").wait();
    group.exchange(all.view({4, 8}), all.view({4, 8}).clone(), {1, 1, 1, 1}, {1, 1, 1, 1}, "d").wait();
    auto traffic = group.traffic();
    EXPECT_EQ(traffic.at("sum").bytes, 2 * 64 * 3 / 4);
    EXPECT_EQ(traffic.at("gather").bytes, 3 * 64);
    EXPECT_EQ(traffic.at("broadcast").bytes, 64 * 3 / 4);
    EXPECT_EQ(traffic.at("exchange").bytes, 3 * 64);
    EXPECT_EQ(traffic.at("exchange").operations, 1);
    EXPECT_TRUE(mesh.gradients->traffic().empty()) << "each group counts its own";
    return;
  }
  TestRanks ranks(4);
  expect_all_pass(ranks);
}

TEST(RankGroup, RefusesWhatNoRankCouldMean) {
  const RankGroup group;
  EXPECT_THROW(group.sum(at::zeros({4, 4}).t().narrow(0, 0, 2), "x"), c10::Error);
  EXPECT_THROW(group.sum(at::zeros({4}, at::kBool), "x"), c10::Error);
  EXPECT_THROW(group.broadcast(at::zeros({4}), 1, "x"), c10::Error);
  EXPECT_THROW(group.gather(at::zeros({5}), at::zeros({4}), "x"), c10::Error);
  EXPECT_THROW(group.exchange(at::zeros({4, 2}), at::zeros({3, 2}), {4}, {4}, "x"), c10::Error);
  EXPECT_THROW(group.exchange(at::zeros({4, 2}), at::zeros({4, 3}), {4}, {4}, "x"), c10::Error);
}

}  // namespace
}  // namespace moe

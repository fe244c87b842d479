// What ranks do as one, among real ranks.
#include "train/agree.h"

#include <gtest/gtest.h>

#include "configs/errors.h"
#include "tests/distributed/start_rank.h"

namespace moe {
namespace {

std::string long_text(int64_t rank) {
  return std::string(static_cast<size_t>(2'000'000 + rank), static_cast<char>('a' + rank));
}

void check_texts(const RankGroup& group) {
  const std::vector<std::string> parts = {"", "one", std::string("z\0ro", 4), "vier"};
  const auto texts = gather_texts(group, parts[static_cast<size_t>(group.rank())], "texts");
  ASSERT_EQ(texts.size(), static_cast<size_t>(group.size()));
  const auto long_texts = gather_texts(group, long_text(group.rank()), "long texts");
  for (int64_t r = 0; r < group.size(); ++r) {
    EXPECT_EQ(texts[static_cast<size_t>(r)], parts[static_cast<size_t>(r)]);
    EXPECT_EQ(long_texts[static_cast<size_t>(r)], long_text(r));
  }
  EXPECT_EQ(gather_texts(group, "", "nothing"), std::vector<std::string>(texts.size()));
}

void check_first_rank(const RankGroup& group) {
  int calls = 0;
  const auto text = on_first_rank(group, "a text", [&] { return ++calls, long_text(0); });
  EXPECT_EQ(text, long_text(0));
  EXPECT_EQ(calls, group.rank() == 0 ? 1 : 0);
  EXPECT_EQ(on_first_rank(group, "an empty text", [] { return std::string(); }), "");
  EXPECT_EQ(number_on_first_rank(group, "a number", [] { return int64_t{-7'000'000'000}; }), -7'000'000'000);

  const auto refused = [&] {
    on_first_rank(group, "a refusal", []() -> std::string { throw CheckError("none is good"); });
  };
  EXPECT_EQ(message_of<CheckError>(refused), "none is good");
  const auto broken = [&] {
    on_first_rank(group, "a failure", []() -> std::string { throw std::logic_error("not thought of"); });
  };
  if (!group.alone()) {
    EXPECT_EQ(message_of<RunError>(broken), "not thought of");
  }
}

void check_every_rank(const RankGroup& group) {
  int calls = 0;
  on_every_rank(group, "all well", [&] { ++calls; });
  EXPECT_EQ(calls, 1);
  // The last two fail; all meet the error of the first of them, with its exit code.
  const int64_t last = group.size() - 1;
  const auto some_fail = [&] {
    on_every_rank(group, "some fail", [&] {
      if (group.rank() == last) throw RunError("the last one's");
      if (group.rank() == last - 1) throw ConfigError("wrong " + std::to_string(group.rank()));
    });
  };
  if (group.alone()) {
    EXPECT_EQ(message_of<RunError>(some_fail), "the last one's");
  } else {
    EXPECT_EQ(message_of<ConfigError>(some_fail),
              "rank " + std::to_string(last - 1) + ": wrong " + std::to_string(last - 1));
  }
  EXPECT_TRUE(on_any_rank(group, "any", group.rank() == last));
  EXPECT_FALSE(on_any_rank(group, "none", false));
}

void check_all(const RankGroup& group) {
  check_texts(group);
  check_first_rank(group);
  check_every_rank(group);
}

TEST(Agree, OneRankAlone) { check_all(*Mesh().control); }

TEST(Agree, FourRanks) {
  if (in_rank()) return check_all(*start_rank().control);
  TestRanks ranks(4);
  expect_all_pass(ranks);
}

}  // namespace
}  // namespace moe

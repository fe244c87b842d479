#include "configs/suggest.h"

#include <gtest/gtest.h>

namespace moe {
namespace {

TEST(Nearest, FindsSlips) {
  const std::vector<std::string> keys = {"d_model", "heads", "kv_heads", "head_dim", "lr"};
  EXPECT_EQ(nearest("d_modle", keys), "d_model");    // swapped
  EXPECT_EQ(nearest("head", keys), "heads");         // missing
  EXPECT_EQ(nearest("d-model", keys), "d_model");    // other dash
  EXPECT_EQ(nearest("KV_Heads", keys), "kv_heads");  // other case
  EXPECT_EQ(nearest("LR", keys), "lr");
}

TEST(Nearest, StaysSilentOtherwise) {
  const std::vector<std::string> keys = {"d_model", "heads", "lr"};
  EXPECT_EQ(nearest("optimizer", keys), "");
  EXPECT_EQ(nearest("k", keys), "");
  EXPECT_EQ(nearest("ab", keys), "");
  EXPECT_EQ(nearest("", keys), "");
  EXPECT_EQ(nearest(std::string(100000, 'd'), keys), "");
}

TEST(DidYouMean, IsAPhraseOrNothing) {
  EXPECT_EQ(did_you_mean("haeds", {"heads"}), " (did you mean 'heads'?)");
  EXPECT_EQ(did_you_mean("zzz", {"heads"}), "");
}

TEST(JoinOr, ReadsLikeASentence) {
  EXPECT_EQ(join_or({"a"}), "a");
  EXPECT_EQ(join_or({"a", "b"}), "a or b");
  EXPECT_EQ(join_or({"a", "b", "c"}), "a, b or c");
}

}  // namespace
}  // namespace moe

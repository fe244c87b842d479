// Layouts against one rank: moe-train --verify-layout at 20 states in a row, for the gates that ask most of
// it; all gates at one; and curves that run freely.
#include <cmath>
#include <iostream>

#include "gates/gate_config.h"
#include "tests/support/tiny_ranks.h"

namespace moe {
namespace {

using ::testing::HasSubstr;

class VerifyLayout : public TinyRanks {
 protected:
  // The JSON of --verify-layout from the state of `run` on, which must end with `code` on every rank.
  Json verify(const Layout& layout, const Words& words, int states, int code = kDone,
              const std::string& run = "none") const {
    const auto ranks = start(layout, run, words + Words{"--verify-layout", "--json", "--states",
                                                           std::to_string(states)});
    expect_all(*ranks, code);
    EXPECT_FALSE(run == "none" && std::filesystem::exists(tiny_.file(run))) << "nothing is written";
    return Json::parse((*ranks)[0].out(), nullptr, false);
  }

  // At 20 states, from first values or from those that one rank has after `steps`: fp32 within 1e-5, fp64
  // within 1e-10. Prints the worst there was.
  void expect_alike(const std::string& name, const Words& words, int steps = 0) const {
    const std::vector<std::pair<Layout, Words>> layouts = {
        {{2, 1, true}, {}},
        {{2, 2}, {"parallel.overlap_chunks=2"}},
        {{4, 2}, {"train.recompute=true", "parallel.bucket_mib=0.01"}},
        {{4, 4}, {}}};
    for (const char* dtype : {"fp32", "fp64"}) {
      double worst = 0;
      auto run = std::string("none");
      const Words precision = {std::string("train.dtype=") + dtype};
      if (steps > 0) {
        run = std::string("trained-") + dtype;
        train({1}, run, words + precision + Words{"train.steps=" + std::to_string(steps)});
      }
      for (const auto& [layout, more] : layouts) {
        SCOPED_TRACE(layout.text() + ", " + dtype);
        const auto check = verify(layout, words + more + precision + Words{"train.steps=1000"}, 20, kDone, run);
        EXPECT_EQ(check["first_step"], steps);
        ASSERT_TRUE(check.is_object());
        EXPECT_EQ(check["states"], 20);
        EXPECT_EQ(check["agree"], true) << check["first"];
        EXPECT_GT(check["differences"].size(), 15u);
        for (const auto& [what, relative] : check["differences"].items()) {
          worst = std::max(worst, relative.get<double>());
        }
      }
      std::cout << name << ", " << dtype << ": at most " << worst << " off" << std::endl;
    }
  }

  // Of layer 0, at the end of so many steps of one rank.
  double slots_per_token(const Words& words, int steps) const {
    train({1}, "slots", words + Words{"train.steps=" + std::to_string(steps)});
    return tiny_.rows("slots").at(static_cast<size_t>(steps - 1))["moe"][0]["slots_per_token"];
  }
};

TEST_F(VerifyLayout, TopKTrainsAlike) { expect_alike("top_k", {}); }

// Rows with padding and with targets that are spread unevenly over ranks.
TEST_F(VerifyLayout, DenoisedRowsTrainAlike) {
  expect_alike("ul2r", {"objective.kind=ul2", "model.context=32", "train.batch_tokens=256", "data.documents=separator",
                        "data.separator=.\n"});
}

TEST_F(VerifyLayout, SwitchWithWorldCapacityAndJitterTrainsAlike) {
  const Words words = {"model.moe.gate.kind=switch", "model.moe.gate.capacity_factor=0.8",
                       "model.moe.gate.jitter=0.1"};
  train({2, 2}, "dropping", words + Words{"train.steps=1"});
  EXPECT_GT(tiny_.rows("dropping").front()["moe"][0]["dropped"], 0.05) << "capacity must bind";
  expect_alike("switch", words);
}

// With k = 2 the gradient of the mixture has one degree of freedom, which float32 sometimes cancels to nothing
// (docs/design.md, "Numbers of the contract tests"): up to 3e-5 of it were off here.
const Words kDSelectK = {"model.moe.gate.kind=dselect_k", "model.moe.gate.k=4", "model.moe.experts=8",
                         "train.batch_tokens=512"};

TEST_F(VerifyLayout, DSelectKTrainsAlikeInItsDensePhase) {
  const Words words = kDSelectK + Words{"model.d_model=32"};
  EXPECT_EQ(slots_per_token(words, 1), 8) << "all experts";
  expect_alike("dselect_k, dense", words);
}

TEST_F(VerifyLayout, DSelectKTrainsAlikeInItsSparsePhase) {
  const Words words = kDSelectK + Words{"model.moe.gate.gamma=2", "model.moe.gate.init_scale=10",
                                        "schedule.kind=constant"};  // of which train.steps changes nothing
  EXPECT_LT(slots_per_token(words, 200), 5.5);
  expect_alike("dselect_k, sparse", words, 200);
}

TEST_F(VerifyLayout, RanksWithoutRowsAndUnevenOnesTrainAlike) {
  // 3 rows a micro-step on 4 ranks, and on 2.
  const Words words = {"train.batch_tokens=96", "train.accumulate=2", "train.dtype=fp64"};
  for (const auto& layout : {Layout{4, 2, true}, Layout{4, 4}, Layout{2, 2}}) {
    EXPECT_EQ(verify(layout, words, 5)["agree"], true) << layout.text();
  }
}

TEST_F(VerifyLayout, EveryGateTrainsAlikeOrSaysThatItCannot) {
  for (const auto& kind : gate_kinds()) {
    SCOPED_TRACE(kind.name);
    const Words words = {"model.moe.gate.kind=" + kind.name, "model.moe.allow_future_leak=true",
                         "train.dtype=fp64", "model.active_width=32"};
    const auto ranks = start({2, 2}, "none", words + Words{"--verify-layout", "--json", "--states", "1"});
    const auto codes = ranks->wait(kHang);
    const auto check = Json::parse((*ranks)[0].out(), nullptr, false);
    ASSERT_TRUE(check.is_object()) << ranks->printed();
    const int code = check["note"] == "" || check["agree"] == true ? kDone : kCheckFailed;
    EXPECT_EQ(codes, std::vector<int>(2, code)) << ranks->printed();
  }
}

TEST_F(VerifyLayout, NamesTheFirstThatDiffers) {
  const auto check = verify({2, 2}, {"model.moe.gate.kind=expert_choice", "model.moe.allow_future_leak=true"},
                            1, kCheckFailed);
  EXPECT_EQ(check["agree"], false);
  EXPECT_EQ(check["first_state"], 0);
  EXPECT_FALSE(check["first"].get<std::string>().empty());
  EXPECT_THAT(check["note"].get<std::string>(), HasSubstr("gate 'expert_choice' of layer 0"));
}

TEST_F(VerifyLayout, FreeRunsStayTogetherAndRepeatThemselvesBitForBit) {
  const Words words = {"train.steps=50", "train.dtype=fp64"};
  train({1}, "one", words);
  const auto one = tiny_.rows("one");
  double worst = 0;
  for (const auto& layout : {Layout{2, 1}, Layout{2, 2, true}, Layout{4, 2}, Layout{4, 4, true}}) {
    SCOPED_TRACE(layout.text());
    const auto name = "run" + std::to_string(layout.ranks) + std::to_string(layout.expert);
    train(layout, name, words);
    train(layout, name + "again", words);
    const auto rows = tiny_.rows(name);
    ASSERT_EQ(rows.size(), one.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      worst = std::max(worst, std::abs(rows[i]["loss"].get<double>() - one[i]["loss"].get<double>()));
    }
    EXPECT_LT(worst, 1e-8);
    expect_same_end(name + "again", name, 50);
  }
  std::cout << "curves of 50 steps: at most " << worst << " apart" << std::endl;
}

}  // namespace
}  // namespace moe

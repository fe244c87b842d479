// Runs on changing numbers of ranks that are killed, interrupted and find their checkpoints damaged, all at
// random. Each must end at its last step, and where the layout never changed with the bytes of a run that
// nothing disturbed.
#include <cstdlib>
#include <iostream>
#include <random>

#include "tests/support/tiny_ranks.h"

namespace moe {
namespace {

namespace fs = std::filesystem;

// MOE_SOAK=100 build/dev/bin/tests_distributed --gtest_filter='Soak.*', by hand. MOE_SOAK_SEED=n: other cases.
int cases_wanted() {
  const char* value = std::getenv("MOE_SOAK");
  return value ? std::atoi(value) : 5;
}
uint32_t seed_of_cases() {
  const char* value = std::getenv("MOE_SOAK_SEED");
  return value ? static_cast<uint32_t>(std::atoll(value)) : 20261122u;
}

class Soak : public TinyRanks {
 protected:
  static constexpr int kSteps = 60;

  int draw(int below) { return static_cast<int>(random_() % static_cast<uint32_t>(below)); }
  template <class Item>
  Item one_of(const std::vector<Item>& items) {
    return items[static_cast<size_t>(draw(static_cast<int>(items.size())))];
  }
  Layout draw_layout() {
    Layout layout{one_of<int>({1, 2, 4})};
    layout.expert = layout.ranks == 1 ? 1 : one_of<int>({1, 2, layout.ranks});
    layout.shard = draw(2) == 0;
    return layout;
  }

  // Starts, waits for a random moment, and disturbs a random rank, or all by SIGTERM.
  void disturb(const Layout& layout, const std::string& run, const Words& words) {
    const auto before = rows_so_far(run);
    // Now and then any moment from the start on, else once so many rows are there.
    const bool any_moment = draw(4) == 0;
    const int rows = 1 + draw(kSteps / 4), milliseconds = draw(2500), rank = draw(layout.ranks);
    const bool kill = draw(3) > 0, all = draw(2) == 0;
    const auto what = (kill ? "kill -9 of rank " + std::to_string(rank) : "SIGTERM") + " on " + layout.text();
    SCOPED_TRACE(what);
    const auto ranks = start(layout, run, words);
    if (any_moment) {
      (*ranks)[0].wait(1e-3 * milliseconds);
    } else {
      rows_change(*ranks, run, before, static_cast<size_t>(rows));
    }
    for (int r = 0; r < layout.ranks; ++r) {
      if (r == rank || (!kill && all)) (*ranks)[r].signal(kill ? SIGKILL : SIGTERM);
    }
    ++(kill ? kills_ : signals_);
    const auto codes = ranks->wait(kNoticed + 10);
    for (int r = 0; r < layout.ranks; ++r) {
      // Done: it was at the last step already. Failed: another is gone. 128 + SIGTERM: before it was heeded.
      EXPECT_THAT(codes[static_cast<size_t>(r)],
                  ::testing::AnyOf(kDone, kFailed, kInterrupted, 128 + (kill ? SIGKILL : SIGTERM)))
          << "rank " << r << "\n" << ranks->printed();
    }
    if (!kill) {  // all as one, unless one died of it in its first moments
      const bool died = ::testing::Value(codes, ::testing::Contains(128 + SIGTERM));
      EXPECT_TRUE(died || codes == std::vector<int>(codes.size(), codes[0])) << ranks->printed();
    }
    said_ += ranks->printed();
  }

  // The newest checkpoint, where there is one to go back to.
  void damage(const std::string& run) {
    const auto all = list_checkpoints(tiny_.file(run));
    if (all.size() < 2) return;
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(all.front().second)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    const auto file = one_of(files);
    const auto size = fs::file_size(file);
    if (draw(2) == 0) {
      flip_byte(file, 1 + static_cast<size_t>(draw(static_cast<int>(size))));
    } else {
      fs::resize_file(file, static_cast<size_t>(draw(static_cast<int>(size))));
    }
    ++corruptions_;
  }

  void run_case(int number) {
    const auto name = std::to_string(number), run = "run" + name;
    const auto gate = one_of<Words>({{"model.moe.gate.kind=top_k"},
                                     {"model.moe.gate.kind=switch", "model.moe.gate.capacity_factor=1.0"},
                                     {"model.moe.gate.kind=dselect_k"}});
    auto layout = draw_layout();
    const Words words = gate + timeout(5) +
                        Words{"train.steps=" + std::to_string(kSteps), "checkpoint.keep=3",
                              "checkpoint.every=" + std::to_string(1 + draw(4)),
                              "train.eval_every=" + std::to_string(draw(2) * 7),
                              "run.seed=" + std::to_string(draw(1000))};
    const bool may_change = draw(2) == 0;
    bool changed = false;
    const auto first = layout;
    const int disturbances = 1 + draw(3);
    std::string story = layout.text() + ", " + gate[0];
    SCOPED_TRACE("case " + name + ": " + story);
    for (int i = 0; i < disturbances; ++i) {
      disturb(layout, run, words);
      if (draw(3) == 0) damage(run);
      if (may_change) {
        const auto next = draw_layout();
        if (!(next == layout)) ++layouts_changed_, changed = true;
        layout = next;
      }
      ++restarts_;
    }
    train(layout, run, words);
    if (HasFailure()) {
      ADD_FAILURE() << "what its starts had printed:\n" << said_;
      return;
    }
    said_.clear();
    ASSERT_EQ(saved_steps(run).front(), kSteps);
    int64_t last = 0;
    for (const auto& row : tiny_.rows(run)) {
      if (row["split"] != "train") continue;
      ASSERT_EQ(row["step"], ++last) << "every step once, in order";
    }
    ASSERT_EQ(last, kSteps);
    if (!changed) {
      train(first, "whole" + name, words);
      expect_same_end(run, "whole" + name, kSteps);
      ++held_against_;
    }
    fs::remove_all(tiny_.file(run));
  }

  std::mt19937 random_{seed_of_cases()};
  std::string said_;
  int kills_ = 0, signals_ = 0, corruptions_ = 0, restarts_ = 0, layouts_changed_ = 0, held_against_ = 0;
};

TEST_F(Soak, EveryRunEndsAtItsLastStepWhateverHappens) {
  SCOPED_TRACE("MOE_SOAK_SEED=" + std::to_string(seed_of_cases()));
  const int cases = cases_wanted();
  int done = 0;
  for (; done < cases && !HasFailure(); ++done) run_case(done);
  std::cout << done << " runs: " << kills_ << " kills, " << signals_ << " SIGTERM, " << corruptions_
            << " damaged checkpoints, " << restarts_ << " restarts, " << layouts_changed_
            << " of them on another layout; " << held_against_ << " runs of one layout held bit for bit against an "
            << "undisturbed one" << std::endl;
}

}  // namespace
}  // namespace moe

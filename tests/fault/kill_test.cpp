// kill -9 at random moments of start-up, training, saving and writing what people look at. The same
// command is given again until the run finishes; it must end with the bytes of an undisturbed run, and
// nothing left lying about. What a kill interrupted is told from what it left behind, so that a count
// of kills says what was tried.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <random>
#include <set>

#include "configs/errors.h"
#include "tests/support/tiny_run.h"

namespace moe {
namespace {

namespace fs = std::filesystem;

constexpr double kLongest = 900;  // seconds; 200 kills make a run of minutes on a busy machine

// 20, or as many as MOE_KILLS says: MOE_KILLS=200 build/dev/bin/tests_fault, by hand.
int kills_wanted() {
  const char* value = std::getenv("MOE_KILLS");
  return value ? std::atoi(value) : 20;
}
uint32_t seed_of_delays() {
  const char* value = std::getenv("MOE_KILL_SEED");
  return value ? static_cast<uint32_t>(std::atoll(value)) : 20210606u;
}

std::multiset<std::string> all_files(const std::string& folder) {
  const std::string events = "events.out.tfevents.";
  std::multiset<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = fs::relative(entry.path(), folder);
    names.insert(name.rfind(events, 0) == 0 ? events : name);  // the rest is time and process
  }
  return names;
}

// A file of the run's folder that was being replaced: rows, report, config or environment.
bool holds_temporary_file(const std::string& folder) {
  std::error_code none_yet;
  for (const auto& entry : fs::directory_iterator(folder, none_yet)) {
    if (entry.path().filename().string().find(".tmp-") != std::string::npos) return true;
  }
  return false;
}

// A step takes milliseconds and is saved, so a good part of a run's time is spent in saving.
std::vector<std::string> arguments(const std::string& run, int steps) {
  return {"run.dir=" + run,         "train.steps=" + std::to_string(steps),
          "checkpoint.every=1",     "checkpoint.keep=2",
          "train.eval_every=3",     "model.moe.gate.kind=dselect_k"};
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

class Kill : public ::testing::Test {
 protected:
  // Returns once the metrics of `run` have grown or shrunk: the start-up is over.
  void wait_for_a_row(Process& process, const std::string& run) {
    const auto metrics = tiny_.file(run + "/metrics.jsonl");
    const auto before = lines_in(metrics);
    EXPECT_TRUE(eventually([&] { return !process.running() || lines_in(metrics) != before; }));
  }
  // Runs undisturbed to the end and measures how long start-up and the rest take.
  void run_whole(int steps) {
    const auto start = std::chrono::steady_clock::now();
    Process process(tiny_.command(arguments("whole", steps)), tiny_.folder());
    wait_for_a_row(process, "whole");
    start_seconds_ = seconds_since(start);
    ASSERT_EQ(process.wait(kLongest), kDone) << process.err();
    rest_seconds_ = seconds_since(start) - start_seconds_;
  }
  // Whether the process was still there to be killed.
  bool kill_after(Process& process, double seconds) {
    process.wait(seconds);
    process.signal(SIGKILL);
    return process.wait(60) == 128 + SIGKILL;
  }

  TinyRun tiny_;
  double start_seconds_ = 0, rest_seconds_ = 0;
};

TEST_F(Kill, ARunThatIsKilledAtRandomEndsAsIfItWereNot) {
  const int kills = kills_wanted();
  const int steps = 40 + 12 * kills;
  run_whole(steps);
  ASSERT_FALSE(HasFatalFailure());
  const uint32_t seed = seed_of_delays();
  SCOPED_TRACE("delays from MOE_KILL_SEED=" + std::to_string(seed));
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> part(0, 1);
  std::map<std::string, int> fell;  // what the kills fell into
  int survived = 0;
  // More than that many only while no save was hit.
  for (int done = 0; done < kills || (fell["saving"] == 0 && done < 3 * kills); ++done) {
    const bool saved_before = fs::exists(tiny_.file("killed/checkpoints"));
    Process process(tiny_.command(arguments("killed", steps)), tiny_.folder());
    const bool while_starting = random() % 4 == 0;
    if (while_starting) {
      ASSERT_TRUE(kill_after(process, part(random) * start_seconds_)) << process.err();
    } else {
      wait_for_a_row(process, "killed");
      // On average a quarter of the run is done when all kills are.
      ASSERT_TRUE(kill_after(process, part(random) * rest_seconds_ / (2 * kills)))
          << "after " << survived << " kills it ended by itself: " << process.err();
    }
    ++survived;
    ++fell[fs::exists(tiny_.file("killed/checkpoints/.saving"))   ? "saving"
           : holds_temporary_file(tiny_.file("killed"))           ? "replacing a report or rows"
           : while_starting                                       ? saved_before ? "resuming" : "starting"
                                                                  : "a step and its rows"];
  }
  const auto last_start =
      run_to_end(tiny_.command(arguments("killed", steps)), tiny_.folder(), kLongest);
  ASSERT_EQ(last_start.code, kDone) << last_start.err;
  std::cout << survived << " of " << survived << " kills survived; they fell into:";
  for (const auto& [what, count] : fell) std::cout << "\n  " << what << ": " << count;
  std::cout << std::endl;
  EXPECT_GT(fell["saving"], 0) << "no kill hit a save, so that was not tested";

  const auto last = std::to_string(steps);
  const auto newest = "/checkpoints/step-" + std::string(8 - last.size(), '0') + last;
  for (const char* name : {"/model.safetensors", "/optimizer.safetensors"}) {
    const auto bytes = read_bytes(tiny_.file("whole" + newest + name));
    EXPECT_FALSE(bytes.empty());
    EXPECT_TRUE(bytes == read_bytes(tiny_.file("killed" + newest + name))) << name;
  }
  EXPECT_EQ(repeatable(tiny_.rows("killed")), repeatable(tiny_.rows("whole")));
  EXPECT_EQ(all_files(tiny_.file("killed")), all_files(tiny_.file("whole")));
  const auto report = read_bytes(tiny_.file("killed/report.html"));
  EXPECT_NE(report.find("<dd>" + last + " of " + last + "</dd>"), std::string::npos);
}

}  // namespace
}  // namespace moe

// kill -9 at random moments of start-up, training and saving. The same command is given again until
// the run finishes; it must end with the bytes of an undisturbed run, and nothing left lying about.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <random>
#include <set>

#include "configs/errors.h"
#include "tests/support/tiny_run.h"

namespace moe {
namespace {

namespace fs = std::filesystem;

// 20, or as many as MOE_KILLS says: MOE_KILLS=200 build/dev/bin/tests_fault, by hand.
int kills_wanted() {
  const char* value = std::getenv("MOE_KILLS");
  return value ? std::atoi(value) : 20;
}
uint32_t seed_of_delays() {
  const char* value = std::getenv("MOE_KILL_SEED");
  return value ? static_cast<uint32_t>(std::atoll(value)) : 20210606u;
}

std::set<std::string> all_files(const std::string& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    names.insert(fs::relative(entry.path(), folder));
  }
  return names;
}

// A step takes milliseconds and is saved, so a good part of a run's time is spent in saving.
std::vector<std::string> arguments(const std::string& run, int steps) {
  return {"run.dir=" + run,         "train.steps=" + std::to_string(steps),
          "checkpoint.every=1",     "checkpoint.keep=2",
          "train.eval_every=7",     "model.moe.gate.kind=dselect_k"};
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
    ASSERT_EQ(process.wait(300), kDone) << process.err();
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
  int starting = 0, saving = 0, training = 0;
  // More than that many only while no save was hit.
  for (int done = 0; done < kills || (saving == 0 && done < 3 * kills); ++done) {
    Process process(tiny_.command(arguments("killed", steps)), tiny_.folder());
    if (random() % 4 == 0) {
      ASSERT_TRUE(kill_after(process, part(random) * start_seconds_)) << process.err();
      ++starting;
    } else {
      wait_for_a_row(process, "killed");
      // On average a quarter of the run is done when all kills are.
      ASSERT_TRUE(kill_after(process, part(random) * rest_seconds_ / (2 * kills)))
          << "it ended before: " << process.err();
      ++(fs::exists(tiny_.file("killed/checkpoints/.saving")) ? saving : training);
    }
  }
  const auto last_start = tiny_.train(arguments("killed", steps));
  ASSERT_EQ(last_start.code, kDone) << last_start.err;
  std::cout << "kills: " << starting << " while starting, " << saving << " while saving, "
            << training << " else" << std::endl;
  EXPECT_GT(saving, 0) << "no kill hit a save, so that was not tested";

  const auto last = std::to_string(steps);
  const auto newest = "/checkpoints/step-" + std::string(8 - last.size(), '0') + last;
  for (const char* name : {"/model.safetensors", "/optimizer.safetensors"}) {
    const auto bytes = read_bytes(tiny_.file("whole" + newest + name));
    EXPECT_FALSE(bytes.empty());
    EXPECT_TRUE(bytes == read_bytes(tiny_.file("killed" + newest + name))) << name;
  }
  EXPECT_EQ(repeatable(tiny_.rows("killed")), repeatable(tiny_.rows("whole")));
  EXPECT_EQ(all_files(tiny_.file("killed")), all_files(tiny_.file("whole")));
}

}  // namespace
}  // namespace moe

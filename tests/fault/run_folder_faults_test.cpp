// Folders that a run cannot write to or must not, and checkpoints that are damaged, through the
// programs: a message, an exit code, and nothing lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "configs/errors.h"
#include "tests/support/small_disk.h"
#include "tests/support/tiny_run.h"
#include "train/checkpoint.h"

namespace moe {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class RunFolderFaults : public ::testing::Test {
 protected:
  std::string checkpoint(int64_t step) const { return checkpoint_folder(tiny_.file("run"), step); }
  void damage(const std::string& path) const {
    auto bytes = read_bytes(path);
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    std::ofstream(path, std::ios::binary) << bytes;
  }
  Finished program(const char* name, const std::vector<std::string>& arguments) const {
    std::vector<std::string> all = {MOE_BIN_DIR + std::string("/") + name};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run_to_end(all, tiny_.folder());
  }
  TinyRun tiny_;
};

TEST_F(RunFolderFaults, AReadOnlyFileSystemIsRefusedAndChangesNothing) {
  const SmallDisk disk(tiny_.file("disk"), 8);
  if (!disk.problem().empty()) GTEST_SKIP() << disk.problem();
  ASSERT_EQ(tiny_.train({"run.dir=disk/run", "train.steps=4"}).code, kDone);
  disk.set_read_only(true);
  const auto fresh = tiny_.train({"run.dir=disk/new"});
  EXPECT_EQ(fresh.code, kFailed);
  EXPECT_THAT(fresh.err, HasSubstr("moe-train: disk/new: cannot be made or written (Read-only file "
                                   "system); choose another place with run.dir=...\n"));
  const auto more = tiny_.train({"run.dir=disk/run", "train.steps=9"});
  EXPECT_EQ(more.code, kFailed);
  EXPECT_THAT(more.err, HasSubstr("disk/run: cannot be made or written (Read-only file system)"));
  EXPECT_EQ(problem_of_checkpoint(checkpoint_folder(tiny_.file("disk/run"), 4)), "");
  EXPECT_EQ(program("moe-generate", {"disk/run", "--prompt", "the", "--tokens", "2"}).code, kDone)
      << "reading needs no right to write";
  disk.set_read_only(false);
  EXPECT_EQ(tiny_.train({"run.dir=disk/run", "train.steps=9"}).code, kDone);
}

// The right to write binds everyone but root, so as root the program is run by nobody.
TEST_F(RunFolderFaults, AFolderWithoutTheRightToWriteIsRefused) {
  fs::create_directories(tiny_.file("theirs"));
  fs::permissions(tiny_.file("theirs"), fs::perms(0555));
  fs::permissions(tiny_.folder(), fs::perms(0755));
  auto command = tiny_.command({"run.dir=theirs/run"});
  if (::geteuid() == 0) {
    const std::vector<std::string> nobody = {"/usr/bin/setpriv", "--reuid=65534", "--regid=65534",
                                             "--clear-groups"};
    command.insert(command.begin(), nobody.begin(), nobody.end());
    auto check = nobody;
    check.insert(check.end(), {"/usr/bin/test", "-x", MOE_BIN_DIR "/moe-train"});
    if (!fs::exists(nobody[0]) || run_to_end(check, "/").code != 0) {
      GTEST_SKIP() << "as root this needs setpriv, and a build folder that others may read";
    }
  }
  const auto end = run_to_end(command, tiny_.folder());
  EXPECT_EQ(end.code, kFailed);
  EXPECT_THAT(end.err, HasSubstr("moe-train: theirs/run: cannot be made or written (Permission denied); "
                                 "choose another place with run.dir=...\n"));
}

TEST_F(RunFolderFaults, AFileWhereRunsShouldBeIsNamed) {
  tiny_.files().write_file("runs", "a file");
  const auto end = tiny_.train();
  EXPECT_EQ(end.code, kFailed);
  EXPECT_THAT(end.err, HasSubstr("moe-train: runs/tiny-s1: cannot be made or written (Not a directory); "
                                 "choose another place with run.dir=...\n"));
  EXPECT_EQ(read_bytes(tiny_.file("runs")), "a file");
}

TEST_F(RunFolderFaults, FilesThatCannotBeReplacedStopTheRunBeforeItsFirstStep) {
  fs::create_directories(tiny_.file("run/environment.json/in_the_way"));
  const auto fresh = tiny_.train({"run.dir=run"});
  EXPECT_EQ(fresh.code, kFailed);
  EXPECT_THAT(fresh.err, HasSubstr("run/environment.json: cannot be put in place: Is a directory. The "
                                   "run stops here; it has no good checkpoint yet"));
  EXPECT_FALSE(fs::exists(tiny_.file("run/metrics.jsonl")));
  fs::remove_all(tiny_.file("run"));
  ASSERT_EQ(tiny_.train({"run.dir=run", "train.steps=3"}).code, kDone);
  fs::remove(tiny_.file("run/metrics.jsonl"));
  fs::create_directories(tiny_.file("run/metrics.jsonl/in_the_way"));
  const auto more = tiny_.train({"run.dir=run", "train.steps=5"});
  EXPECT_EQ(more.code, kFailed);
  EXPECT_THAT(more.err, HasSubstr("metrics.jsonl': expected a regular file, found a directory. The run "
                                  "stops here; its newest good checkpoint is that of step 3"));
  EXPECT_EQ(problem_of_checkpoint(checkpoint(3)), "");
}

TEST_F(RunFolderFaults, ASecondProcessIsRefusedAndTheFirstGoesOn) {
  const std::vector<std::string> arguments = {"run.dir=run", "train.steps=1000000", "checkpoint.every=5"};
  const auto rows = tiny_.file("run/metrics.jsonl");
  Process first(tiny_.command(arguments), tiny_.folder());
  ASSERT_TRUE(eventually([&] { return lines_in(rows) >= 3; })) << first.err();
  const auto second = tiny_.train(arguments);
  EXPECT_EQ(second.code, kUsage);
  EXPECT_THAT(second.err, HasSubstr("moe-train: run: another process is training this run: wait for it, "
                                    "or choose another run.name\n"));
  const auto seen = lines_in(rows);
  EXPECT_TRUE(eventually([&] { return lines_in(rows) > seen + 5; })) << first.err();
  first.signal(SIGKILL);
  first.wait(60);
  EXPECT_EQ(tiny_.train({"run.dir=run", "train.steps=" + std::to_string(2 * lines_in(rows) + 50)}).code,
            kDone)
      << "a killed process holds nothing";
}

TEST_F(RunFolderFaults, ADamagedCheckpointIsPassedOverUnlessItWasNamed) {
  ASSERT_EQ(tiny_.train({"run.dir=run", "train.steps=6", "checkpoint.every=3"}).code, kDone);
  damage(checkpoint(6) + "/model.safetensors");
  const std::string wrong = "run/checkpoints/step-00000006: 'run/checkpoints/step-00000006/"
                            "model.safetensors': expected SHA-256 ";
  const std::vector<std::string> prompt = {"--prompt", "the", "--tokens", "2"};
  for (const std::string named : {"run/checkpoints/step-00000006", "run"}) {
    const bool is_run = named == "run";
    auto arguments = prompt;
    arguments.insert(arguments.begin(), named);
    const auto generate = program("moe-generate", arguments);
    EXPECT_EQ(generate.code, is_run ? kDone : kCheckFailed) << generate.err;
    EXPECT_THAT(generate.err, HasSubstr(wrong));
    const auto diagnose = program("moe-diagnose", {named, "--data", "text.txt", "--tokens", "64"});
    EXPECT_EQ(diagnose.code, is_run ? kDone : kCheckFailed) << diagnose.err;
    EXPECT_THAT(diagnose.err, HasSubstr(wrong));
  }
  EXPECT_TRUE(fs::exists(checkpoint(6))) << "only training sets aside";
  const auto resumed = tiny_.train({"run.dir=run", "train.steps=6"});
  EXPECT_EQ(resumed.code, kDone);
  EXPECT_THAT(resumed.err, HasSubstr(wrong));
  EXPECT_THAT(resumed.err, HasSubstr("; set aside as run/checkpoints/step-00000006.damaged\n"));
  EXPECT_THAT(resumed.err, HasSubstr("resuming run at step 3"));
  EXPECT_EQ(problem_of_checkpoint(checkpoint(6)), "");
}

}  // namespace
}  // namespace moe

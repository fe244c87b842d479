// Files that appear whole or not at all, and what a killed writer leaves.
#include "data/formats/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/support/temp_dir.h"

namespace moe {
namespace {

using Names = std::vector<std::string>;

TEST(AtomicFile, AppearsWithItsCommitAndNotWithout) {
  const TempDir folder;
  const auto path = folder.write_file("a", "old");
  {
    AtomicFile dropped(path, "a");
    dropped.write("new");
    EXPECT_EQ(folder.names().size(), 2u);
  }
  EXPECT_EQ(folder.names(), Names{"a"});
  EXPECT_EQ(read_bytes(path), "old");
  AtomicFile kept(path, "a");
  kept.write("new");
  kept.commit();
  EXPECT_EQ(folder.names(), Names{"a"});
  EXPECT_EQ(read_bytes(path), "new");
}

TEST(AtomicFile, OfAKilledWriterIsRemovedAndOfALivingOneNot) {
  const TempDir folder;
  const auto path = folder.file("a");
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    AtomicFile file(path, "a");
    file.write("half");
    if (::write(ready[1], "x", 1) == 1) ::pause();
    ::_exit(1);
  }
  char byte;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  const auto while_written = folder.names();
  ASSERT_EQ(while_written.size(), 1u);
  remove_abandoned(path);
  EXPECT_EQ(folder.names(), while_written);
  ::kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(folder.names(), while_written);
  remove_abandoned(path);
  EXPECT_TRUE(folder.names().empty());
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(AtomicFile, OtherNamesAreNotTakenForAbandonedOnes) {
  const TempDir folder;
  const Names others = {"a", "a.tmp", "a.tmp-mine", "ab.tmp-1-0", "b.tmp-1-0"};
  for (const auto& name : others) folder.write_file(name, "");
  folder.write_file("a.tmp-1-0", "");
  remove_abandoned(folder.file("a"));
  EXPECT_EQ(folder.names(), others);
}

}  // namespace
}  // namespace moe

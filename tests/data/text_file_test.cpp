#include "data/text_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "configs/errors.h"
#include "data/gzip_cache.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/gzip.h"
#include "tests/support/temp_dir.h"

namespace moe {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string contents(const TextFile& file) {
  std::string bytes(static_cast<size_t>(file.bytes()), '\0');
  file.read(0, file.bytes(), bytes.data());
  return bytes;
}

// Text that does not pack well, so that its gzip form is long too.
std::string noise(size_t bytes) {
  std::string text;
  uint64_t state = 1;
  for (size_t i = 0; i < bytes; ++i) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    text += static_cast<char>(state >> 56);
  }
  return text;
}

class TextFileTest : public testing::Test {
 protected:
  TextFile open(const std::string& path) { return TextFile(path, "data.train", cache_.path()); }
  std::string error(const std::string& path) {
    return message_of<RunError>([&] { open(path); });
  }
  TempDir folder_;
  TempDir cache_;
};

TEST_F(TextFileTest, ReadsPlainBytes) {
  const std::string bytes = noise(10000) + std::string("\0\xff\n", 3);
  EXPECT_EQ(contents(open(folder_.write_file("a.txt", bytes))), bytes);
  EXPECT_THAT(cache_.names(), IsEmpty()) << "plain text needs no cache";
}

TEST_F(TextFileTest, CutShortWhileOpenIsAnError) {
  const std::string path = folder_.write_file("a.txt", noise(10000));
  const TextFile file = open(path);
  std::string bytes(100, '\0');
  std::filesystem::resize_file(path, 5000);
  file.read(4900, 100, bytes.data());
  EXPECT_EQ(bytes, noise(10000).substr(4900, 100)) << "what is left can be read";
  const auto said = message_of<RunError>([&] { file.read(4901, 100, bytes.data()); });
  EXPECT_EQ(said, "data.train: '" + path + "': expected 10000 bytes, as when it was opened, found "
                  "5000: it was cut short while in use; bring the text back and repeat the command");
}

TEST_F(TextFileTest, DeletedOrReplacedWhileOpenCanBeReadOn) {
  const std::string path = folder_.write_file("a.txt", "first");
  const TextFile file = open(path);
  std::filesystem::rename(folder_.write_file("b.txt", "second"), path);
  EXPECT_EQ(contents(file), "first");
  std::filesystem::remove(path);
  EXPECT_EQ(contents(file), "first");
}

TEST_F(TextFileTest, MoreFilesThanTheLimitAllowsAreOpenedOrRefused) {
  const pid_t child = ::fork();  // a hard limit cannot be raised again
  if (child == 0) {
    const rlimit low = {300, 2000};
    if (::setrlimit(RLIMIT_NOFILE, &low) != 0) ::_exit(10);
    allow_open_files(1000);
    rlimit now;
    ::getrlimit(RLIMIT_NOFILE, &now);
    if (now.rlim_cur < 1256) ::_exit(11);
    try {
      allow_open_files(4000);
    } catch (const RunError& error) {
      const std::string said = error.what();
      ::_exit(said.find("data: 4000 files of text, and this machine allows 2000 open files") == 0
                  ? 0
                  : 12);
    }
    ::_exit(13);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(TextFileTest, UnpacksGzipWhateverItsName) {
  const std::string bytes = noise(700000);
  EXPECT_EQ(contents(open(folder_.write_file("a.dict.dz", gzip(bytes)))), bytes);
  EXPECT_EQ(contents(open(folder_.write_file("b.txt", gzip("short")))), "short");
  EXPECT_EQ(contents(open(folder_.write_file("c.gz", "not packed"))), "not packed");
  EXPECT_THAT(cache_.names(), SizeIs(2));
}

TEST_F(TextFileTest, UnpacksAllMembersAndStepsOverPadding) {
  const std::string packed = gzip("one ") + gzip("") + gzip("two") + std::string(600000, '\0');
  EXPECT_EQ(contents(open(folder_.write_file("a.gz", packed))), "one two");
}

TEST_F(TextFileTest, UnpacksOnceAndAgainAfterAChange) {
  const std::string path = folder_.write_file("a.gz", gzip("first"));
  EXPECT_EQ(contents(open(path)), "first");
  ASSERT_THAT(cache_.names(), SizeIs(1));
  EXPECT_THAT(cache_.names()[0], testing::MatchesRegex("a-[0-9a-f]{16}"));
  cache_.write_file(cache_.names()[0], "marked");
  EXPECT_EQ(contents(open(path)), "marked") << "the second time comes from the cache";
  folder_.write_file("a.gz", gzip("changed"));
  EXPECT_EQ(contents(open(path)), "changed");
}

TEST_F(TextFileTest, SameStemInTwoFoldersAreTwoTexts) {
  std::filesystem::create_directories(folder_.file("x"));
  std::filesystem::create_directories(folder_.file("y"));
  const std::string x = folder_.write_file("x/a.gz", gzip("1"));
  const std::string y = folder_.write_file("y/a.gz", gzip("2"));
  EXPECT_EQ(contents(open(x)), "1");
  EXPECT_EQ(contents(open(y)), "2");
}

TEST_F(TextFileTest, SeveralProcessesMayUnpackAtOnce) {
  const std::string bytes = noise(300000);
  const std::string path = folder_.write_file("a.gz", gzip(bytes));
  std::vector<pid_t> children;
  for (int i = 0; i < 6; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      bool same = false;
      try {
        same = contents(open(path)) == bytes;
      } catch (...) {
      }
      ::_exit(same ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_THAT(cache_.names(), SizeIs(1)) << "no temporary file stays";
}

TEST_F(TextFileTest, WhatAKilledProcessHalfUnpackedGoes) {
  const std::string path = folder_.write_file("a.gz", gzip("first"));
  open(path);
  const auto cached = cache_.names().at(0);
  cache_.write_file(cached + ".tmp-4194304-0", "fir");
  open(path);
  EXPECT_EQ(cache_.names(), std::vector<std::string>{cached});
}

TEST_F(TextFileTest, TruncatedGzipAtEveryLengthIsAnError) {
  const std::string packed = gzip("some text that is packed, some text");
  for (size_t bytes = 3; bytes < packed.size(); ++bytes) {
    EXPECT_THAT(error(folder_.write_file("a.gz", packed.substr(0, bytes))),
                AllOf(HasSubstr("data.train: '"), HasSubstr("a.gz': expected a complete gzip file"),
                      HasSubstr("cut off at byte " + std::to_string(bytes))));
  }
  EXPECT_THAT(cache_.names(), IsEmpty());
}

TEST_F(TextFileTest, CorruptGzipIsAnError) {
  const std::string packed = gzip(noise(5000));
  for (size_t at = 30; at < packed.size(); at += 97) {
    std::string damaged = packed;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
    EXPECT_THAT(error(folder_.write_file("a.gz", damaged)), HasSubstr("expected"));
  }
  EXPECT_THAT(error(folder_.write_file("a.gz", gzip("text") + "tail")),
              HasSubstr("expected valid gzip, found damage near byte"));
  EXPECT_THAT(cache_.names(), IsEmpty());
}

TEST_F(TextFileTest, FullDiskIsAnErrorAndLeavesNothing) {
  const std::string path = folder_.write_file("a.gz", gzip(std::string(3000000, 'x')));
  std::string message;
  {
    const FileSizeLimit full(1000000);
    message = error(path);
  }
  EXPECT_THAT(message, AllOf(HasSubstr("data.cache: '"), HasSubstr("cannot be written")));
  EXPECT_THAT(cache_.names(), IsEmpty());
}

TEST_F(TextFileTest, SaysWhatIsWrongWithAFile) {
  EXPECT_THAT(error(folder_.file("none.txt")),
              AllOf(HasSubstr("data.train: '"), HasSubstr("none.txt': no such file; check")));
  EXPECT_THAT(error("none.txt"), HasSubstr("'none.txt': no such file in '/"));
  EXPECT_THAT(error(folder_.write_file("empty", "")), HasSubstr("found an empty file;"));
  EXPECT_THAT(error(folder_.write_file("empty.gz", gzip(""))),
              HasSubstr("found an empty file once unpacked"));
  EXPECT_THAT(error(folder_.path()), HasSubstr("expected a regular file, found a directory"));
  EXPECT_THAT(error("/dev/null"), HasSubstr("expected a regular file, found a device"));
  EXPECT_THAT(error(folder_.write_file("a", "x") + "/b"), HasSubstr("cannot be opened: Not a dir"));
  EXPECT_THAT(error(folder_.write_file("a.zst", "\x28\xb5\x2f\xfd....")),
              HasSubstr("expected plain text or gzip, found zstd; unpack it first"));
}

TEST_F(TextFileTest, AFifoIsAnErrorAndDoesNotHang) {
  ASSERT_EQ(::mkfifo(folder_.file("fifo").c_str(), 0600), 0);
  EXPECT_THAT(error(folder_.file("fifo")), HasSubstr("expected a regular file, found a FIFO"));
}

TEST_F(TextFileTest, UnreadableFileIsAnError) {
  const std::string path = folder_.write_file("secret", "text");
  ::chmod(folder_.path().c_str(), 0755);
  ::chmod(path.c_str(), 0);
  const bool root = ::geteuid() == 0;  // root may read anything
  if (root) {
    ASSERT_EQ(::seteuid(65534), 0);
  }
  const std::string message = error(path);
  if (root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  EXPECT_THAT(message, HasSubstr("secret': cannot be opened: Permission denied"));
}

class CacheFolderTest : public testing::Test {
 protected:
  CacheFolderTest() {
    for (const char* name : {"XDG_CACHE_HOME", "HOME"}) {
      const char* value = std::getenv(name);
      before_.emplace_back(name, value == nullptr ? "" : value);
    }
  }
  ~CacheFolderTest() override {
    for (const auto& [name, value] : before_) ::setenv(name.c_str(), value.c_str(), 1);
  }
  TempDir folder_;
  std::vector<std::pair<std::string, std::string>> before_;
};

TEST_F(CacheFolderTest, IsTheFirstThatIsSet) {
  ::setenv("XDG_CACHE_HOME", folder_.file("xdg").c_str(), 1);
  ::setenv("HOME", folder_.file("home").c_str(), 1);
  EXPECT_EQ(cache_folder(folder_.file("own")), folder_.file("own"));
  EXPECT_EQ(cache_folder(""), folder_.file("xdg/moe"));
  ::setenv("XDG_CACHE_HOME", "relative", 1);
  EXPECT_EQ(cache_folder(""), folder_.file("home/.cache/moe"));
  EXPECT_TRUE(std::filesystem::is_directory(folder_.file("home/.cache/moe")));
  ::unsetenv("XDG_CACHE_HOME");
  ::unsetenv("HOME");
  const std::string last = "/tmp/moe-cache-" + std::to_string(::getuid());
  EXPECT_EQ(cache_folder(""), last);
  ::rmdir(last.c_str());  // only where this test made it: one in use is not empty
}

TEST_F(CacheFolderTest, ThatCannotBeMadeIsAnError) {
  const std::string file = folder_.write_file("file", "x");
  EXPECT_THAT(message_of<RunError>([&] { cache_folder(file + "/cache"); }),
              AllOf(HasSubstr("file/cache': cannot be created"), HasSubstr("set data.cache to")));
}

}  // namespace
}  // namespace moe

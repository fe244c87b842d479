#include "train/bench_ranks.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "configs/errors.h"

namespace moe {
namespace {

// A new folder, gone with the object.
class MeetingFolder {
 public:
  MeetingFolder() : path_(std::filesystem::temp_directory_path().string() + "/moe-bench-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) {
      throw RunError(path_ + ": cannot be made (" + std::strerror(errno) +
                     "): set TMPDIR to a folder that can be written to");
    }
  }
  ~MeetingFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  MeetingFolder(const MeetingFolder&) = delete;
  MeetingFolder& operator=(const MeetingFolder&) = delete;
  std::string file() const { return path_ + "/store"; }

 private:
  std::string path_;
};

// This process's variables without a launcher's, and the rank's. Empty ones count as not set, so they may be
// there, and the first of a name is the one that is read.
std::vector<std::string> environment_of(int64_t rank, int64_t ranks) {
  constexpr std::array kOfLaunchers = {"MASTER_", "TORCHELASTIC_", "RANK=", "WORLD_SIZE=", "LOCAL_RANK=",
                                       "LOCAL_WORLD_SIZE="};
  std::vector<std::string> variables;
  for (char** variable = environ; *variable; ++variable) {
    const std::string text = *variable;
    if (std::none_of(kOfLaunchers.begin(), kOfLaunchers.end(),
                     [&](const char* name) { return text.rfind(name, 0) == 0; })) {
      variables.push_back(text);
    }
  }
  for (const char* prefix : {"", "LOCAL_"}) {
    variables.push_back(std::string(prefix) + "RANK=" + std::to_string(rank));
    variables.push_back(std::string(prefix) + "WORLD_SIZE=" + std::to_string(ranks));
  }
  return variables;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (auto& text : texts) {
    all.push_back(text.data());
  }
  all.push_back(nullptr);
  return all;
}

pid_t start(std::vector<std::string> arguments, std::vector<std::string> environment) {
  const auto argv = pointers(arguments), envp = pointers(environment);
  const pid_t parent = ::getpid(), id = ::fork();
  if (id == 0) {  // only what is safe beside threads
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() == parent) {
      ::execve("/proc/self/exe", argv.data(), envp.data());
    }
    ::_exit(kFailed);
  }
  return id;
}

int exit_code(pid_t id) {
  int status = 0;
  while (::waitpid(id, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

int run_as_ranks(int64_t ranks, int argc, char** argv) {
  const MeetingFolder folder;
  std::vector<std::string> arguments(argv, argv + argc);
  arguments.insert(arguments.end(), {"--store", folder.file()});
  std::vector<pid_t> started;
  for (int64_t rank = 0; rank < ranks; ++rank) {
    const pid_t id = start(arguments, environment_of(rank, ranks));
    if (id < 0) {
      const std::string reason = std::strerror(errno);
      for (const pid_t other : started) {
        ::kill(other, SIGKILL);
        exit_code(other);
      }
      throw RunError("--ranks: rank " + std::to_string(rank) + " of " + std::to_string(ranks) +
                     " cannot be started: " + reason + ": ask for fewer");
    }
    started.push_back(id);
  }
  int code = kDone;
  for (const pid_t id : started) {
    const int of_rank = exit_code(id);
    code = code == kDone ? of_rank : code;
  }
  return code;
}

}  // namespace moe

// A program run as its own process, so that a test can signal and kill it and read its exit code.
// What it prints goes to two files of a folder that the object owns.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/temp_dir.h"

namespace moe {

class Process {
 public:
  // Starts command[0] with the rest as arguments, in `folder`, with the variables "NAME=value" before those
  // of this process. Throws std::runtime_error.
  Process(const std::vector<std::string>& command, const std::string& folder,
          const std::vector<std::string>& variables = {}) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    const int flags = O_WRONLY | O_CREAT | O_TRUNC;
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out_.c_str(), flags, 0644);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err_.c_str(), flags, 0644);
    posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
    std::vector<char*> arguments;
    for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    std::vector<char*> environment;  // of two with one name the first counts
    for (const auto& variable : variables) environment.push_back(const_cast<char*>(variable.c_str()));
    for (char** variable = environ; *variable; ++variable) environment.push_back(*variable);
    environment.push_back(nullptr);
    const int error = posix_spawn(&id_, arguments[0], &actions, nullptr, arguments.data(), environment.data());
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
      throw std::runtime_error(command[0] + ": cannot be started: " + std::strerror(error));
    }
  }
  ~Process() {
    signal(SIGKILL);
    wait(60);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // To this process only, and only while it runs.
  void signal(int number) {
    if (!running()) return;
    ::kill(id_, number);
  }
  bool running() { return !poll().has_value(); }
  pid_t id() const { return id_; }
  // The exit code, or 128 + the signal that ended it; nothing when it still runs after `seconds`.
  std::optional<int> wait(double seconds) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (running() && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return poll();
  }
  std::string out() const { return read_bytes(out_); }
  std::string err() const { return read_bytes(err_); }

 private:
  std::optional<int> poll() {
    int status = 0;
    if (!code_ && ::waitpid(id_, &status, WNOHANG) == id_) {
      code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return code_;
  }

  TempDir files_;
  std::string out_ = files_.file("stdout"), err_ = files_.file("stderr");
  pid_t id_ = -1;
  std::optional<int> code_;
};

struct Finished {
  int code = -1;  // -1: it hung and was killed
  std::string out, err;
};

inline Finished run_to_end(const std::vector<std::string>& command, const std::string& folder,
                           double seconds = 120) {
  Process process(command, folder);
  const auto code = process.wait(seconds);
  return {code.value_or(-1), process.out(), process.err()};
}

// Calls `holds` until it is true or `seconds` have passed; returns the last answer.
template <class Condition>
bool eventually(Condition holds, double seconds = 60) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace moe

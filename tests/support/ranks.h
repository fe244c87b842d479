// N copies of a program, each a rank, with the variables that torchrun sets: on one machine, at a free port
// of 127.0.0.1. A test signals, kills and reads each of them.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "tests/support/process.h"

namespace moe {

// A port of 127.0.0.1 that nobody else is given while this lives. It is bound, and nobody listens: who reuses addresses,
// as rank 0 does, can listen there, and until then connecting is refused.
class HeldPort {
 public:
  HeldPort() : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::setsockopt(descriptor_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        ::bind(descriptor_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      ::close(descriptor_);
      throw std::runtime_error("no free port on 127.0.0.1");
    }
    number_ = ntohs(address.sin_port);
  }
  ~HeldPort() { ::close(descriptor_); }
  HeldPort(const HeldPort&) = delete;
  HeldPort& operator=(const HeldPort&) = delete;

  int number() const { return number_; }
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_, number_ = 0;
};

class Ranks {
 public:
  // Starts `ranks` copies of `command` in `folder`. `variables`: more of them, "NAME=value". Those of
  // `left_out` are never started, and have no process.
  Ranks(int ranks, const std::vector<std::string>& command, const std::string& folder,
        const std::vector<std::string>& variables = {}, const std::vector<int>& left_out = {}) {
    const auto port = std::to_string(port_.number());
    for (int r = 0; r < ranks; ++r) {
      if (std::find(left_out.begin(), left_out.end(), r) != left_out.end()) {
        processes_.push_back(nullptr);
        continue;
      }
      auto environment = variables;
      const auto rank = std::to_string(r), size = std::to_string(ranks);
      for (const auto& variable : {"RANK=" + rank, "WORLD_SIZE=" + size, "LOCAL_RANK=" + rank,
                                   "LOCAL_WORLD_SIZE=" + size, std::string("MASTER_ADDR=127.0.0.1"),
                                   "MASTER_PORT=" + port, std::string("OMP_NUM_THREADS=1")}) {
        environment.push_back(variable);
      }
      processes_.push_back(std::make_unique<Process>(command, folder, environment));
    }
  }

  int size() const { return static_cast<int>(processes_.size()); }
  Process& operator[](int rank) { return *processes_.at(static_cast<size_t>(rank)); }

  // Exit codes once all have ended, or `seconds` are over; -1 for one that still runs or was left out.
  std::vector<int> wait(double seconds) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    std::vector<int> codes;
    for (const auto& process : processes_) {
      const std::chrono::duration<double> rest = until - std::chrono::steady_clock::now();
      codes.push_back(process ? process->wait(std::max(rest.count(), 0.)).value_or(-1) : -1);
    }
    return codes;
  }

  // What all have printed, for a failure's message.
  std::string printed() const {
    std::string text;
    for (size_t r = 0; r < processes_.size(); ++r) {
      if (!processes_[r]) continue;
      text += "--- rank " + std::to_string(r) + "\n" + processes_[r]->out() + processes_[r]->err();
    }
    return text;
  }

 private:
  HeldPort port_;
  std::vector<std::unique_ptr<Process>> processes_;
};

// A test that is its own ranks. In a rank's process, which runs that one test of this program again,
// in_rank() holds. `variables` travel to the ranks.
inline bool in_rank() { return std::getenv("MOE_TEST_RANK") != nullptr; }

class TestRanks : public Ranks {
 public:
  explicit TestRanks(int ranks, std::vector<std::string> variables = {}, const std::vector<int>& left_out = {})
      : Ranks(ranks, {"/proc/self/exe", "--gtest_filter=" + name(), "--gtest_brief=1"}, "/",
              with_mark(std::move(variables)), left_out) {}

 private:
  static std::string name() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    return std::string(test->test_suite_name()) + "." + test->name();
  }
  static std::vector<std::string> with_mark(std::vector<std::string> variables) {
    variables.push_back("MOE_TEST_RANK=1");
    return variables;
  }
};

}  // namespace moe

// What can go wrong in a way that a user can mend. Programmer errors use TORCH_CHECK or assert.
//
// Every message holds the name, what was expected, what was found, the place, and what to do.
// Only main() turns them into exit codes (docs/design.md, "Exit codes").
#pragma once

#include <stdexcept>
#include <string>

namespace moe {

enum ExitCode { kDone = 0, kFailed = 1, kUsage = 2, kCheckFailed = 3, kInterrupted = 75 };

class UserError : public std::runtime_error {
 public:
  UserError(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode exit_code() const { return code_; }

  bool elsewhere = false;  // whether another rank has it too and prints it

 private:
  ExitCode code_;
};

// Wrong usage or configuration: nothing was written. Exit code 2.
struct ConfigError : UserError {
  explicit ConfigError(const std::string& message) : UserError(kUsage, message) {}
};

// Failed while running: a missing file, a full disk, unreadable data. Exit code 1.
struct RunError : UserError {
  explicit RunError(const std::string& message) : UserError(kFailed, message) {}
};

// Another rank is gone or late, so this one cannot go on either. Exit code 1.
struct RankFailure : RunError {
  explicit RankFailure(const std::string& message) : RunError(message) {}
};

// A check said no: a checkpoint that fails its hashes, none good left. Exit code 3.
struct CheckError : UserError {
  explicit CheckError(const std::string& message) : UserError(kCheckFailed, message) {}
};

}  // namespace moe

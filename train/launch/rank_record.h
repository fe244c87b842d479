// What one rank writes about itself, for the others.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace moe {

struct RankRecord {
  struct Wait {
    std::string what;
    double seconds = 0;
  };

  int64_t beat = 0;           // counts up while the process lives
  std::string host;
  int64_t process = 0;
  std::string at;             // "step 12", or empty
  double computing = 0;       // seconds since the main thread last waited; 0 while it does
  std::vector<Wait> waiting;  // of all threads, the main thread's first
  std::string failed;         // the operation in which it failed, or empty
  bool left = false;

  bool waits_in(const std::string& what) const;
  // The main thread: "computing at step 12 for 61 s", "waiting in 'gradients' at step 12 for 3.0 s".
  std::string doing() const;

  std::string text() const;
  static std::optional<RankRecord> from(const std::string& text);  // nothing for what is none
};

std::string seconds_text(double seconds);  // "2.5 s", "61 s"

}  // namespace moe

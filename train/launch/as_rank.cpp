#include "train/launch/as_rank.h"

#include <c10/util/Exception.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

#include "configs/errors.h"
#include "train/launch/error_file.h"
#include "train/log.h"

namespace moe {
namespace {

// What a failure of the run's own says of a rank; a RankFailure names ranks by itself.
std::string of_rank(const Launch& launch) {
  return launch.rank == 0 ? "" : "rank " + std::to_string(launch.rank) + ": ";
}

// Threads of the process groups may still wait for ranks that are gone, and destructors for the threads.
[[noreturn]] void end_at_once(const Launch& launch, const std::string& type, const std::string& text,
                              int code) {
  std::cout.flush();
  write_error_file(launch.error_file, type, text);
  std::_Exit(code);
}

}  // namespace

int as_rank(const Launch& launch, const std::string& program, const std::function<int()>& body) {
  if (launch.ranks == 1) {
    return body();
  }
  if (launch.rank != 0) {
    set_log_level("error");
  }
  std::signal(SIGPIPE, SIG_IGN);  // a rank that is gone is an error to report, not the end of this one
  const auto end = [&](const char* type, const std::string& text, int code, bool said) {
    if (!said) {
      std::cerr << program << ": " << text << std::endl;
    }
    end_at_once(launch, type, text, code);
  };
  try {
    return body();
  } catch (const RankFailure& problem) {
    end("RankFailure", problem.what(), problem.exit_code(), false);
  } catch (const UserError& problem) {
    end("UserError", of_rank(launch) + problem.what(), problem.exit_code(), problem.elsewhere);
  } catch (const c10::Error& problem) {
    end("c10::Error", of_rank(launch) + problem.what_without_backtrace(), kFailed, false);
  } catch (const std::exception& problem) {
    end("std::exception", of_rank(launch) + problem.what(), kFailed, false);
  }
  return kFailed;  // not reached
}

}  // namespace moe

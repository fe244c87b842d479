// A run's folder: who may write to it, what it was configured with, and where it stopped.
#pragma once

#include <memory>
#include <string>

#include "train/environment.h"
#include "train/run_config.h"

namespace moe {

// Held by the one process that writes to a run's folder; released when it ends, however it ends.
class RunLock {
 public:
  // Null when another process holds it. Makes the folder. Throws RunError when that, or writing into
  // it, fails.
  static std::unique_ptr<RunLock> take(const std::string& folder);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  explicit RunLock(int file) : file_(file) {}
  int file_;
};

enum class ResumeMode { kAuto, kNever, kRequire };
ResumeMode resume_mode(const std::string& word);  // "auto", "never", "require"; else ConfigError

// runs/<name>, or run.dir.
std::string run_folder(const RunConfig& config);

// Whether the folder holds a run already. Writes nothing. Throws ConfigError when the stored config
// differs in keys that may not change (they are listed), when `mode` is never and there is a run, or
// when it is require and there is none.
bool check_existing_run(const std::string& folder, RunConfig& config, ResumeMode mode);

// The checkpoint that a run's environment.json says it began with (init.from); "" where it says nothing.
std::string noted_beginning(const std::string& folder);

// Where joules come from, `source`, after what an earlier start of this run has noted: "rapl, then stated".
std::string energy_over_starts(const std::string& folder, const std::string& source);

// config.yaml (complete) and environment.json (versions, device, commit, command line and notes; where these
// name no checkpoint, the one that an earlier start has noted there).
// Removes the temporary files of a killed process. The caller holds the folder's lock. Throws RunError.
void write_run_files(const std::string& folder, RunConfig& config,
                     const std::vector<std::string>& command_line,
                     EnvironmentNotes notes = {});

// Renames a file or folder of a run to `path` + `suffix`, or + "-2" and so on: never onto an earlier
// one. Returns the new name. Throws RunError.
std::string set_aside(const std::string& path, const std::string& suffix);

}  // namespace moe

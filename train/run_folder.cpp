#include "train/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>

#include "configs/config_io.h"
#include "data/formats/atomic_file.h"
#include "train/environment.h"

namespace moe {
namespace {

namespace fs = std::filesystem;

void replace_text_file(const std::string& path, const std::string& text) {
  AtomicFile file(path, path);
  file.write(text);
  file.commit();
}

// What a process was still writing when it was killed.
void remove_leftovers(const std::string& folder) {
  std::error_code error;  // what cannot be removed does no harm
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename();
    for (const std::string written : {"config.yaml", "environment.json", "metrics.jsonl"}) {
      if (name.rfind(written + ".tmp-", 0) == 0) {
        fs::remove(entry.path(), error);
      }
    }
  }
}

// The keys in which two configs differ and may not.
std::string forbidden_changes(RunConfig& stored, RunConfig& given) {
  std::map<std::string, std::string> before;
  for (const auto& [key, value] : flatten_config(view_of(stored))) {
    before[key] = value;
  }
  std::string text;
  const auto add = [&](const std::string& key, const std::string& was, const std::string& is) {
    if (was != is && !may_change_on_resume(key)) {
      text += "\n  " + key + ": the run has " + was + ", now " + is;
    }
  };
  for (const auto& [key, value] : flatten_config(view_of(given))) {
    const auto was = before.find(key);
    add(key, was == before.end() ? "nothing" : was->second, value);
    before.erase(key);
  }
  for (const auto& [key, value] : before) {
    add(key, value, "nothing");
  }
  return text;
}

}  // namespace

std::unique_ptr<RunLock> RunLock::take(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  const auto path = folder + "/lock";
  const int file = error ? -1 : open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644);
  if (file < 0) {
    throw RunError(folder + ": cannot be made or written (" +
                   (error ? error.message() : std::strerror(errno)) +
                   "); choose another place with run.dir=...");
  }
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    close(file);
    return nullptr;
  }
  return std::unique_ptr<RunLock>(new RunLock(file));
}

RunLock::~RunLock() { close(file_); }

ResumeMode resume_mode(const std::string& word) {
  if (word == "auto") return ResumeMode::kAuto;
  if (word == "never") return ResumeMode::kNever;
  if (word == "require") return ResumeMode::kRequire;
  throw ConfigError("--resume: expected auto, never or require, found '" + word + "'");
}

std::string run_folder(const RunConfig& config) {
  return config.run.dir.empty() ? "runs/" + config.run.name : config.run.dir;
}

bool check_existing_run(const std::string& folder, RunConfig& config, ResumeMode mode) {
  const auto path = folder + "/config.yaml";
  if (!fs::exists(path)) {
    if (mode == ResumeMode::kRequire) {
      throw ConfigError(folder + ": --resume require, and there is no run here to resume");
    }
    return false;
  }
  if (mode == ResumeMode::kNever) {
    throw ConfigError(folder + ": --resume never, and there is a run here already: choose another "
                               "run.name or run.dir, or remove it");
  }
  auto stored = load_config<RunConfig>(path);
  const auto changes = forbidden_changes(stored, config);
  if (!changes.empty()) {
    throw ConfigError(folder + ": holds a run of another configuration:" + changes +
                      "\nChoose another run.name or run.dir, or take these changes back.");
  }
  return true;
}

void write_run_files(const std::string& folder, RunConfig& config,
                     const std::vector<std::string>& command_line) {
  remove_leftovers(folder);
  replace_text_file(folder + "/config.yaml", print_config(view_of(config)));
  replace_text_file(folder + "/environment.json", describe_environment(command_line));
}

}  // namespace moe

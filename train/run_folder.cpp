#include "train/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <map>

#include "configs/config_io.h"
#include "data/formats/atomic_file.h"
#include "data/formats/json_text.h"
#include "train/environment.h"

namespace moe {
namespace {

namespace fs = std::filesystem;

void replace_text_file(const std::string& path, const std::string& text) {
  AtomicFile file(path, path);
  file.write(text);
  file.commit();
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
    const int problem = errno;
    throw RunError(folder + ": cannot be made or written (" +
                   (error ? error.message() : error_text(problem)) +
                   "); choose another place with run.dir=...");
  }
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    const int problem = errno;
    close(file);
    if (problem != EWOULDBLOCK) {  // a file system without locks
      throw RunError(path + ": cannot be locked (" + error_text(problem) +
                     "), so two runs here could not be told apart; choose another place with "
                     "run.dir=...");
    }
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
  std::error_code error;
  const bool exists = fs::exists(path, error);
  if (error && error != std::errc::not_a_directory) {  // which is said when the folder is to be made
    throw RunError(path + ": cannot be looked at (" + error.message() + ")");
  }
  if (!exists) {
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

std::string noted_beginning(const std::string& folder) {
  try {
    return read_environment(folder).value("init", Json::object()).value("checkpoint", "");
  } catch (const std::exception&) {
    return "";  // missing, damaged, or of a run that began with values of its own
  }
}

std::string energy_over_starts(const std::string& folder, const std::string& source) {
  try {
    return with_energy_source(read_environment(folder).at("energy").get<std::string>(), source);
  } catch (const std::exception&) {
    return source;
  }
}

void write_run_files(const std::string& folder, RunConfig& config,
                     const std::vector<std::string>& command_line,
                     EnvironmentNotes notes) {
  for (const char* name : {"config.yaml", "environment.json", "metrics.jsonl", "report.html"}) {
    remove_abandoned(folder + "/" + name);
  }
  replace_text_file(folder + "/config.yaml", print_config(view_of(config)));
  if (notes.checkpoint.empty()) {
    notes.checkpoint = noted_beginning(folder);
  }
  replace_text_file(folder + "/environment.json", describe_environment(command_line, notes));
}

std::string set_aside(const std::string& path, const std::string& suffix) {
  auto aside = path + suffix;
  std::error_code error;
  for (int number = 2; fs::exists(aside, error); ++number) {
    aside = path + suffix + "-" + std::to_string(number);
  }
  fs::rename(path, aside, error);
  if (error) {
    throw RunError(path + ": cannot be set aside as " + aside + " (" + error.message() + ")");
  }
  return aside;
}

}  // namespace moe

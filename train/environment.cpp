#include "train/environment.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <fstream>

#include "data/formats/metrics_file.h"
#include "layers/torch.h"
#include "train/version.h"

#include <torch/version.h>

namespace moe {
namespace {

const std::string kThen = ", then ";  // between what joules of several starts come from

// The value of the first `key : value` line of a /proc file.
std::string proc_value(const char* path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(key, 0) == 0) {
      const auto value = line.find_first_not_of(" \t", line.find(':') + 1);
      return value == std::string::npos ? "" : line.substr(value);
    }
  }
  return "";
}

}  // namespace

std::string describe_environment(const std::vector<std::string>& command_line, const EnvironmentNotes& notes) {
  utsname system{};
  uname(&system);
  char now[32];
  const std::time_t seconds = std::time(nullptr);
  std::strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&seconds));
  Json environment = {
      {"started", now},
      {"command_line", command_line},
      {"moe", MOE_VERSION},
      {"commit", MOE_COMMIT},
      {"libtorch", TORCH_VERSION},
      {"compiler", __VERSION__},
      {"system", std::string(system.sysname) + " " + system.release + " " + system.machine},
      {"processor", proc_value("/proc/cpuinfo", "model name")},
      {"cpu_capability", at::get_cpu_capability()},
      {"threads", at::get_num_threads()},
      {"cuda", at::hasCUDA()},
  };
  if (!notes.energy.empty()) {
    environment["energy"] = notes.energy;
  }
  const auto& checkpoint = notes.began_with ? notes.began_with->checkpoint : notes.checkpoint;
  if (!checkpoint.empty()) {
    environment["init"] = {{"checkpoint", checkpoint}};
  }
  if (notes.began_with) {
    environment["began_with"] = began_with_json(*notes.began_with);
  }
  return environment.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json read_environment(const std::string& run_folder) {
  constexpr uint64_t kLongest = uint64_t{1} << 20;
  return read_json_object(run_folder + "/environment.json", kLongest);
}

std::string with_energy_source(const std::string& noted, const std::string& source) {
  const auto all = energy_sources(noted);
  return std::find(all.begin(), all.end(), source) != all.end() ? noted : noted + kThen + source;
}

std::vector<std::string> energy_sources(const std::string& noted) {
  std::vector<std::string> all;
  for (size_t begin = 0, end = 0; begin < noted.size(); begin = end + kThen.size()) {
    end = std::min(noted.find(kThen, begin), noted.size());
    all.push_back(noted.substr(begin, end - begin));
  }
  return all;
}

int64_t peak_memory_bytes() {
  return std::atoll(proc_value("/proc/self/status", "VmHWM").c_str()) * 1024;
}

void restart_with_settings(char** argv) {
  bool any = false;
  const auto set = [&](const char* name, const char* value) {
    if (std::getenv(name) == nullptr && setenv(name, value, 0) == 0) {
      any = true;
    }
  };
  if (std::getenv("GOMP_SPINCOUNT") == nullptr) {
    set("OMP_WAIT_POLICY", "PASSIVE");
  }
  set("TCMALLOC_RELEASE_RATE", "0");
  set("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64");
  if (any) {
    execv("/proc/self/exe", argv);  // returns only when it fails, and then all works, slower
  }
}

}  // namespace moe

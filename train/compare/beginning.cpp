#include "train/compare/beginning.h"

#include <exception>
#include <filesystem>

#include "train/environment.h"

namespace moe {

namespace fs = std::filesystem;
namespace {

constexpr int kMostContinuations = 100;  // folders may name each other

void add_energy_kinds(const std::string& run_folder, int further, std::set<std::string>& kinds) {
  try {
    for (const auto& source : energy_sources(read_environment(run_folder).at("energy").get<std::string>())) {
      if (source != "not measured") {
        kinds.insert(source);
      }
    }
  } catch (const std::exception&) {
    // A note that is not there says nothing.
  }
  const auto began = further > 0 ? read_beginning(run_folder) : std::nullopt;
  for (const auto& folder : began ? beginning_folders(*began, run_folder) : std::vector<std::string>()) {
    std::error_code unreadable;
    if (fs::exists(folder + "/environment.json", unreadable)) {
      add_energy_kinds(folder, further - 1, kinds);
      return;
    }
  }
}

}  // namespace

std::vector<std::string> beginning_folders(const BeganWith& began, const std::string& run_folder) {
  auto checkpoint = fs::path(began.checkpoint).lexically_normal();
  if (!checkpoint.has_filename()) {  // it was named with a slash at its end
    checkpoint = checkpoint.parent_path();
  }
  const auto run = checkpoint.parent_path().parent_path();  // RUN/checkpoints/step-00000100
  auto here = fs::path(run_folder).lexically_normal();
  if (!here.has_filename()) {
    here = here.parent_path();
  }
  const auto name = run.filename();
  if (name.empty() || name == "." || name == "..") {  // named from within the run: nothing says which
    return run.is_absolute() ? std::vector<std::string>{run.string()} : std::vector<std::string>();
  }
  const auto sibling = (here.parent_path() / name).string();
  // A relative path is one from where training was called, which need not be here.
  return run.is_absolute() ? std::vector<std::string>{run.string(), sibling}
                           : std::vector<std::string>{sibling, run.string()};
}

std::set<std::string> energy_kinds(const std::string& run_folder) {
  std::set<std::string> kinds;
  add_energy_kinds(run_folder, kMostContinuations, kinds);
  return kinds;
}

}  // namespace moe

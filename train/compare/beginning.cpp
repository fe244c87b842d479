#include "train/compare/beginning.h"

#include <exception>
#include <filesystem>

namespace moe {

namespace fs = std::filesystem;

std::optional<BeganWith> read_beginning(const std::string& run_folder) {
  constexpr uint64_t kLongest = uint64_t{1} << 20;
  try {
    const auto path = run_folder + "/environment.json";
    return parse_began_with(read_json_object(path, kLongest).at("began_with"), path);
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

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

}  // namespace moe

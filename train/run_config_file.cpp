#include "train/run_config_file.h"

#include <filesystem>

#include "configs/config_io.h"
#include "configs/field_tree.h"
#include "data/tokenizer.h"
#include "train/began_with.h"
#include "train/checkpoint.h"
#include "train/extra_compute.h"
#include "train/run_folder.h"

namespace moe {
namespace {

// What file and overrides say of the beginning and of the run itself, which is never a checkpoint's. Of the
// rules only those of `init` where `rules` asks for them.
RunConfig look_at_beginning(const std::string& path, const std::vector<std::string>& overrides, bool rules) {
  std::vector<std::string> about;
  for (const auto& override : overrides) {
    const auto section = override.substr(0, override.find_first_of(".="));
    if (section == "init" || section == "run" || section == "sweep") {
      about.push_back(override);
    }
  }
  RunConfig config;
  read_config_file(path, about, {[&](Fields& f) { config.fields(f); }, [&](Rules& of_init) {
                                   if (rules) of_init.section("init", config.init);
                                 }});
  return config;
}

// A sweep's own config, whose runs may need a checkpoint to be complete.
RunConfig load_sweep(const std::string& path, const std::vector<std::string>& overrides) {
  RunConfig config;
  read_config_file(path, overrides,
                   {[&](Fields& f) { config.fields(f); },
                    [&](Rules& rules) { rules.section("sweep", config.sweep); }});
  return config;
}

// The config of the run that is in this folder already.
std::optional<RunConfig> stored_config(const std::string& folder) {
  const auto path = folder + "/config.yaml";
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return std::nullopt;
  }
  try {
    return load_config<RunConfig>(path);
  } catch (const ConfigError&) {
    return std::nullopt;  // check_existing_run() says what is wrong with it
  }
}

void add_overrides(const std::vector<FieldInfo>& fields, const std::string& path, std::vector<std::string>& to) {
  for (const auto& field : fields) {
    const auto key = path + field.key;
    if (field.shape == FieldInfo::kLeaf || field.shape == FieldInfo::kNamed || !field.present) {
      to.push_back(key + "=" + field.value);
      continue;
    }
    to.push_back(field.shape == FieldInfo::kChosen ? key + ".kind=" + field.value : key + "={}");
    add_overrides(field.fields, key + ".", to);
  }
}

// "init.from: " before what finding and reading it says.
template <class Action>
auto about_source(Action action) {
  try {
    return action();
  } catch (const UserError& problem) {
    throw UserError(problem.exit_code(), std::string("init.from: ") + problem.what());
  }
}

}  // namespace

std::vector<std::string> section_overrides(RunConfig& config, const std::string& section) {
  const auto fields = describe_fields([&](Fields& f) { config.fields(f); });
  const auto* found = find_field(fields, section);
  std::vector<std::string> overrides;
  if (found != nullptr) {
    add_overrides({*found}, "", overrides);
  }
  return overrides;
}

const RunConfigFile::Source& RunConfigFile::source(const std::string& from) {
  const auto known = sources_.find(from);
  if (known != sources_.end()) {
    return known->second;
  }
  return sources_[from] = about_source([&]() -> Source {
    const auto folder = find_checkpoint(from);
    return {folder, parse_config<RunConfig>(checkpoint_config(folder), folder + "/state.json")};
  });
}

RunConfig RunConfigFile::taken(const RunConfig& first, const std::vector<std::string>& overrides,
                               const std::optional<RunConfig>& stored) {
  look_at_beginning(path_, overrides, /*rules=*/true);
  RunConfig from;
  std::string whose;
  try {
    const auto& found = source(first.init.from);
    from = found.config;
    whose = found.folder;
  } catch (const UserError&) {
    if (!stored) {
      throw;
    }
    from = *stored;  // overrides were applied there, and once more change nothing
    whose = "the run itself, " + first.init.from + " being gone";
  }
  std::vector<std::string> all;
  std::string sections;
  for (const auto& section : first.init.take) {
    const auto more = section_overrides(from, section);
    all.insert(all.end(), more.begin(), more.end());
    sections += (sections.empty() ? "" : ", ") + section;
  }
  all.insert(all.end(), overrides.begin(), overrides.end());
  all.push_back("init.take=[]");
  try {
    return load_config<RunConfig>(path_, all);
  } catch (const ConfigError& problem) {
    throw ConfigError(problem.what() + ("\nThese sections are taken from " + whose + " (init.take): " + sections));
  }
}

RunConfig RunConfigFile::load(const std::vector<std::string>& overrides, const std::optional<RunSection>& run) {
  auto all = overrides;
  if (run) {
    all.push_back("sweep={}");  // a run is not a sweep: its config.yaml trains it alone
  }
  RunConfig first;
  try {
    first = look_at_beginning(path_, all, /*rules=*/false);
  } catch (const ConfigError&) {
    return load_config<RunConfig>(path_, all);  // says it together with everything else
  }
  if (first.sweep.given()) {
    return first.init.take.empty() ? load_config<RunConfig>(path_, all) : load_sweep(path_, all);
  }
  if (run) {
    first.run.name = run->name;
    first.run.dir = run->dir.empty() ? first.run.dir : run->dir;
  } else if (first.run.name.empty()) {
    first.run.name = default_run_name(path_, overrides, first.run.seed);
  }
  const auto stored = stored_config(run_folder(first));
  auto config = first.init.take.empty() ? load_config<RunConfig>(path_, all) : taken(first, all, stored);
  config.run = first.run;
  const auto given = [&](const std::string& key) {
    return std::any_of(overrides.begin(), overrides.end(),
                       [&](const std::string& override) { return override.rfind(key + "=", 0) == 0; });
  };
  if (config.train.extra_compute > 0 && given("train.steps")) {
    if (given("train.extra_compute")) {
      throw ConfigError("override 'train.extra_compute': expected it alone, since it sets the number of steps; found "
                        "'train.steps' beside it: leave one of them out");
    }
  } else if (config.train.extra_compute > 0) {
    // Of a run that is there already, by what it noted: its checkpoint may be gone, or have gone on.
    const auto began = stored ? read_beginning(run_folder(config)) : std::nullopt;
    if (began && began->flops > 0) {
      const auto vocabulary = make_tokenizer(config.data.tokenizer)->vocabulary();
      config.train.steps = steps_for_compute(config, vocabulary, began->flops);
    } else {
      config.train.steps = stored ? stored->train.steps : extra_compute_steps(config, source(config.init.from).folder);
    }
  }
  return config;
}

}  // namespace moe

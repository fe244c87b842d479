// A run's config as it is meant: the file and the overrides, and what these leave to the checkpoint that the
// run begins with. init.take: its sections stand in the place of the file's; train.extra_compute: its cost
// says how many steps there are. What comes out is complete and needs the checkpoint's config no more.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "train/run_config.h"

namespace moe {

class RunConfigFile {
 public:
  explicit RunConfigFile(std::string path) : path_(std::move(path)) {}

  // With run.name set, unless it is a sweep: of that nothing is taken, its runs take for themselves. `run`: the
  // name and folder of one run of a sweep, whose `sweep` is then empty. Where the run's folder has a config
  // already, train.extra_compute is of what the run noted of its checkpoint's cost (without a note that one's train.steps
  // stay), and its sections stand in for a checkpoint that is gone. Writes
  // nothing. Throws ConfigError, also as find_checkpoint() does.
  RunConfig load(const std::vector<std::string>& overrides, const std::optional<RunSection>& run = {});

 private:
  // The one that init.from names, looked for once, since its files are read whole for that.
  struct Source {
    std::string folder;
    RunConfig config;
  };
  const Source& source(const std::string& from);
  RunConfig taken(const RunConfig& first, const std::vector<std::string>& overrides,
                  const std::optional<RunConfig>& stored);

  std::string path_;
  std::map<std::string, Source> sources_;  // by init.from
};

// Overrides that set the whole of a section, such as `model`, to what `config` has.
std::vector<std::string> section_overrides(RunConfig& config, const std::string& section);

}  // namespace moe

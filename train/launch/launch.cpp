// The variables of each launcher, as torchrun, srun ("output environment variables"), Open MPI's mpirun and
// MPICH's Hydra document them.
#include "train/launch/launch.h"

#include <charconv>
#include <cstdlib>
#include <limits>
#include <numeric>

#include "configs/errors.h"
#include "train/launch/slurm_text.h"

namespace moe {
namespace {

constexpr int64_t kMostProcesses = 1 << 20;

// Variables of one launcher, which `sign` showed to be there.
class Variables {
 public:
  Variables(const Environment& environment, std::string launcher, std::string sign)
      : environment_(environment), launcher_(std::move(launcher)), sign_(std::move(sign)) {}

  // Empty counts as not set: a script may set what it has no value for.
  std::string find(const std::string& name) const {
    const char* value = environment_(name.c_str());
    return value ? value : "";
  }
  std::string need(const std::string& name) const {
    const auto value = find(name);
    if (value.empty()) {
      throw ConfigError(name + ": is not set, and " + sign_ + " is, as " + launcher_ +
                        " does it: start every rank with " + launcher_ + ", or unset " + sign_);
    }
    return value;
  }
  int64_t number(const std::string& name, int64_t least, int64_t most) const {
    const auto value = need(name);
    int64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size() || number < least || number > most) {
      refuse(name, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    }
    return number;
  }
  [[noreturn]] void refuse(const std::string& name, const std::string& expected) const {
    throw ConfigError(name + ": expected " + expected + ", found '" + find(name) + "' (a variable of " +
                      launcher_ + "): mend it, or unset " + sign_);
  }
  const std::string& launcher() const { return launcher_; }

 private:
  const Environment& environment_;
  std::string launcher_, sign_;
};

Launch read_ranks(const Variables& variables, const std::string& rank, const std::string& ranks,
                  const std::string& local_rank, const std::string& local_ranks) {
  Launch launch;
  launch.source = variables.launcher();
  launch.ranks = variables.number(ranks, 1, kMostProcesses);
  launch.rank = variables.number(rank, 0, launch.ranks - 1);
  if (!local_ranks.empty()) {
    launch.local_ranks = variables.number(local_ranks, 1, launch.ranks);
    launch.local_rank = variables.number(local_rank, 0, launch.local_ranks - 1);
  }
  return launch;
}

void read_address(Launch& launch, const Variables& variables) {
  launch.address = variables.need("MASTER_ADDR");
  launch.port = variables.number("MASTER_PORT", 1, 65535);
}

Launch read_torchrun(const Variables& variables, const std::string& store) {
  auto launch = read_ranks(variables, "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE");
  // The flag is about this endpoint alone, so it counts for no other launcher's.
  launch.agent_store = variables.find("TORCHELASTIC_USE_AGENT_STORE") == "True";
  // Not TORCHELASTIC_RESTART_COUNT: every machine's agent counts its own workers' failures alone.
  launch.job = variables.find("TORCHELASTIC_RUN_ID");
  launch.error_file = variables.find("TORCHELASTIC_ERROR_FILE");
  if (store.empty() && launch.ranks > 1) read_address(launch, variables);
  return launch;
}

// Values of the step before those of the job: a job may run several steps, each with ranks of its own.
std::string step_or_job(const Variables& variables, const std::string& step, const std::string& job) {
  return variables.find(step).empty() ? job : step;
}

Launch read_srun(const Variables& variables, const std::string& store) {
  const auto ranks = step_or_job(variables, "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS");
  auto launch = read_ranks(variables, "SLURM_PROCID", ranks, "", "");
  const auto job = variables.need("SLURM_JOB_ID"), step = variables.need("SLURM_STEP_ID");
  const auto restarts = variables.find("SLURM_RESTART_COUNT");  // set once a job has been requeued
  launch.job = job + "." + step + (restarts.empty() ? "" : "." + restarts);
  if (launch.ranks == 1) return launch;

  const auto counts = step_or_job(variables, "SLURM_STEP_TASKS_PER_NODE", "SLURM_TASKS_PER_NODE");
  const auto tasks = tasks_of_nodes(variables.need(counts));
  if (!tasks || std::accumulate(tasks->begin(), tasks->end(), int64_t{0}) != launch.ranks) {
    variables.refuse(counts, "counts per node such as 2(x3),1 with a sum of " + ranks + ", " +
                                 std::to_string(launch.ranks));
  }
  const auto node = variables.number("SLURM_NODEID", 0, static_cast<int64_t>(tasks->size()) - 1);
  launch.local_ranks = (*tasks)[static_cast<size_t>(node)];
  launch.local_rank = variables.number("SLURM_LOCALID", 0, launch.local_ranks - 1);
  if (!store.empty()) return launch;
  if (!variables.find("MASTER_ADDR").empty()) {  // the script's own choice
    read_address(launch, variables);
    return launch;
  }
  const auto nodes = step_or_job(variables, "SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST");
  const auto first = first_node(variables.need(nodes));
  if (!first) variables.refuse(nodes, "nodes such as node[03-05,9],x1");
  launch.address = *first;
  // Below the ports that systems give to clients, and another for each step of a job.
  const auto most = std::numeric_limits<int32_t>::max();
  launch.port = 10000 + (variables.number("SLURM_JOB_ID", 0, most) +
                         1009 * variables.number("SLURM_STEP_ID", 0, most)) % 20000;
  return launch;
}

// mpirun tells no rank where the others are.
void read_mpi_address(Launch& launch, const Variables& variables, const std::string& store) {
  if (launch.ranks == 1 || !store.empty()) return;
  for (const char* name : {"MASTER_ADDR", "MASTER_PORT"}) {
    if (variables.find(name).empty()) {
      throw ConfigError(std::string(name) + ": is not set, and " + launch.source +
                        " does not say where its ranks meet: export MASTER_ADDR, the host of rank 0, and "
                        "MASTER_PORT, a free port there, or set parallel.store to a new file that all "
                        "ranks share");
    }
  }
  read_address(launch, variables);
}

Launch read_open_mpi(const Variables& variables, const std::string& store) {
  const std::string prefix = "OMPI_COMM_WORLD_";
  auto launch = read_ranks(variables, prefix + "RANK", prefix + "SIZE", prefix + "LOCAL_RANK",
                           prefix + "LOCAL_SIZE");
  read_mpi_address(launch, variables, store);
  return launch;
}

Launch read_mpich(const Variables& variables, const std::string& store) {
  // A program started without mpiexec below one that was is PMI_RANK 0 of 1, and has no local ones.
  const bool one = variables.find("PMI_SIZE") == "1";
  auto launch = read_ranks(variables, "PMI_RANK", "PMI_SIZE", one ? "" : "MPI_LOCALRANKID",
                           one ? "" : "MPI_LOCALNRANKS");
  read_mpi_address(launch, variables, store);
  return launch;
}

// Whether srun started this process as a task of a step. SLURM_PROCID alone does not say so: a batch
// script and the shell of an allocation have it too, and a process started there by hand must not wait for
// SLURM_NTASKS others that nobody starts. They have no step, or one of Slurm's own, whose numbers are
// the highest. And mpirun starts its daemons by srun: their step is not that of the ranks below them,
// which shows in another number of tasks.
bool is_srun_task(const Environment& environment) {
  const Variables variables(environment, "srun", "SLURM_PROCID");
  const auto step = variables.find("SLURM_STEP_ID");
  if (variables.find("SLURM_PROCID").empty() || step.empty() || step.size() > 9) return false;
  const auto tasks = variables.find(step_or_job(variables, "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"));
  for (const char* size : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}) {
    if (!variables.find(size).empty() && variables.find(size) != tasks) return false;
  }
  return true;
}

}  // namespace

Launch read_launch(const Environment& environment, const std::string& store) {
  const auto has = [&](const char* name) {
    const char* value = environment(name);
    return value && *value;
  };
  if (has("RANK")) return read_torchrun({environment, "torchrun", "RANK"}, store);
  if (is_srun_task(environment)) return read_srun({environment, "srun", "SLURM_PROCID"}, store);
  if (has("OMPI_COMM_WORLD_RANK")) {
    return read_open_mpi({environment, "Open MPI", "OMPI_COMM_WORLD_RANK"}, store);
  }
  if (has("PMI_RANK")) return read_mpich({environment, "MPICH", "PMI_RANK"}, store);
  return {};
}

Launch read_launch(const std::string& store) {
  return read_launch([](const char* name) { return std::getenv(name); }, store);
}

}  // namespace moe

// Every launcher's variables, which of them counts, and what is said about those that are wrong.
#include "train/launch/launch.h"

#include <gtest/gtest.h>

#include <map>

#include "configs/errors.h"
#include "tests/support/temp_dir.h"
#include "train/launch/slurm_text.h"

namespace moe {
namespace {

using Variables = std::map<std::string, std::string>;

Launch read(const Variables& variables, const std::string& store = "") {
  return read_launch(
      [&](const char* name) {
        const auto found = variables.find(name);
        return found == variables.end() ? nullptr : found->second.c_str();
      },
      store);
}

std::string refusal(const Variables& variables, const std::string& store = "") {
  return message_of<ConfigError>([&] { read(variables, store); });
}

Variables with(Variables variables, const Variables& more) {
  for (const auto& [name, value] : more) variables[name] = value;
  return variables;
}
Variables without(Variables variables, const std::string& name) {
  variables.erase(name);
  return variables;
}

const Variables kTorchrun = {{"RANK", "5"}, {"WORLD_SIZE", "8"}, {"LOCAL_RANK", "1"}, {"LOCAL_WORLD_SIZE", "4"},
                             {"MASTER_ADDR", "node1"}, {"MASTER_PORT", "29500"}};
// The sixth of 7 tasks on 3 nodes: 2, 3 and 2. The job has more nodes and tasks than the step.
const Variables kSrun = {{"SLURM_PROCID", "5"}, {"SLURM_STEP_ID", "2"}, {"SLURM_STEP_NUM_TASKS", "7"},
                         {"SLURM_NTASKS", "16"}, {"SLURM_LOCALID", "0"}, {"SLURM_NODEID", "2"},
                         {"SLURM_STEP_TASKS_PER_NODE", "2,3,2"}, {"SLURM_TASKS_PER_NODE", "4(x4)"},
                         {"SLURM_STEP_NODELIST", "node[03-05]"}, {"SLURM_JOB_NODELIST", "node[01-05]"},
                         {"SLURM_JOB_ID", "123456"}};
const Variables kOpenMpi = {{"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_SIZE", "4"},
                            {"OMPI_COMM_WORLD_LOCAL_RANK", "1"}, {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
                            {"MASTER_ADDR", "a"}, {"MASTER_PORT", "4000"}};
const Variables kMpich = {{"PMI_RANK", "3"}, {"PMI_SIZE", "4"}, {"MPI_LOCALRANKID", "3"}, {"MPI_LOCALNRANKS", "4"},
                          {"MASTER_ADDR", "b"}, {"MASTER_PORT", "4001"}};

void expect_ranks(const Launch& launch, const std::string& source, int64_t rank, int64_t ranks, int64_t local_rank,
                  int64_t local_ranks) {
  EXPECT_EQ(launch.source, source);
  EXPECT_EQ(launch.rank, rank);
  EXPECT_EQ(launch.ranks, ranks);
  EXPECT_EQ(launch.local_rank, local_rank);
  EXPECT_EQ(launch.local_ranks, local_ranks);
}

TEST(Launch, NoneIsOneProcess) {
  const auto launch = read({});
  expect_ranks(launch, "none", 0, 1, 0, 1);
  EXPECT_TRUE(launch.one_machine());
  expect_ranks(read({{"MASTER_ADDR", "a"}, {"WORLD_SIZE", "4"}, {"RANK", ""}}), "none", 0, 1, 0, 1);
}

TEST(Launch, Torchrun) {
  const auto launch = read(kTorchrun);
  expect_ranks(launch, "torchrun", 5, 8, 1, 4);
  EXPECT_EQ(launch.address, "node1");
  EXPECT_EQ(launch.port, 29500);
  EXPECT_FALSE(launch.agent_store);
  EXPECT_FALSE(launch.one_machine());
  EXPECT_EQ(launch.job, "");

  const auto agent = read(with(kTorchrun, {{"TORCHELASTIC_USE_AGENT_STORE", "True"}, {"TORCHELASTIC_RUN_ID", "x"},
                                           {"TORCHELASTIC_RESTART_COUNT", "2"}, {"TORCHELASTIC_ERROR_FILE", "/e"},
                                           {"LOCAL_WORLD_SIZE", "8"}}));
  EXPECT_TRUE(agent.agent_store);
  EXPECT_TRUE(agent.one_machine());
  EXPECT_EQ(agent.job, "x");
  EXPECT_EQ(agent.error_file, "/e");
  EXPECT_FALSE(read(with(kTorchrun, {{"TORCHELASTIC_USE_AGENT_STORE", "False"}})).agent_store);
}

TEST(Launch, TorchrunNeedsAllItsVariables) {
  for (const auto& [name, value] : kTorchrun) {
    if (name == "RANK") continue;
    EXPECT_EQ(refusal(without(kTorchrun, name)),
              name + ": is not set, and RANK is, as torchrun does it: start every rank with torchrun, or unset RANK");
  }
  // With a file to meet at nobody needs an address.
  EXPECT_EQ(read(without(without(kTorchrun, "MASTER_ADDR"), "MASTER_PORT"), "file").ranks, 8);
}

TEST(Launch, ValuesAreChecked) {
  const std::string rest = " (a variable of torchrun): mend it, or unset RANK";
  EXPECT_EQ(refusal(with(kTorchrun, {{"RANK", "8"}})), "RANK: expected a whole number from 0 to 7, found '8'" + rest);
  EXPECT_EQ(refusal(with(kTorchrun, {{"RANK", "-1"}})), "RANK: expected a whole number from 0 to 7, found '-1'" + rest);
  EXPECT_EQ(refusal(with(kTorchrun, {{"WORLD_SIZE", "8x"}})),
            "WORLD_SIZE: expected a whole number from 1 to 1048576, found '8x'" + rest);
  EXPECT_EQ(refusal(with(kTorchrun, {{"LOCAL_RANK", "4"}})),
            "LOCAL_RANK: expected a whole number from 0 to 3, found '4'" + rest);
  EXPECT_EQ(refusal(with(kTorchrun, {{"LOCAL_WORLD_SIZE", "9"}})),
            "LOCAL_WORLD_SIZE: expected a whole number from 1 to 8, found '9'" + rest);
  EXPECT_EQ(refusal(with(kTorchrun, {{"MASTER_PORT", "65536"}})),
            "MASTER_PORT: expected a whole number from 1 to 65535, found '65536'" + rest);
}

TEST(Launch, SrunByItsStep) {
  const auto launch = read(kSrun);
  expect_ranks(launch, "srun", 5, 7, 0, 2);
  EXPECT_EQ(launch.address, "node03");
  EXPECT_EQ(launch.port, 10000 + (123456 + 2 * 1009) % 20000);
  EXPECT_EQ(launch.job, "123456.2");
  EXPECT_EQ(read(with(kSrun, {{"SLURM_RESTART_COUNT", "1"}})).job, "123456.2.1") << "requeued";
  EXPECT_FALSE(read(with(kSrun, {{"TORCHELASTIC_USE_AGENT_STORE", "True"}})).agent_store) << "torchrun's alone";

  const auto own = read(with(kSrun, {{"MASTER_ADDR", "chosen"}, {"MASTER_PORT", "7000"}}));
  EXPECT_EQ(own.address, "chosen");
  EXPECT_EQ(own.port, 7000);
}

TEST(Launch, SrunByItsJobWhereTheStepDoesNotSay) {
  auto variables = without(without(without(kSrun, "SLURM_STEP_NUM_TASKS"), "SLURM_STEP_TASKS_PER_NODE"),
                           "SLURM_STEP_NODELIST");
  const auto launch = read(variables);
  expect_ranks(launch, "srun", 5, 16, 0, 4);
  EXPECT_EQ(launch.address, "node01");
}

TEST(Launch, SrunRefusesWhatDoesNotFit) {
  EXPECT_EQ(refusal(without(kSrun, "SLURM_LOCALID")),
            "SLURM_LOCALID: is not set, and SLURM_PROCID is, as srun does it: start every rank with srun, or unset "
            "SLURM_PROCID");
  EXPECT_EQ(refusal(with(kSrun, {{"SLURM_STEP_TASKS_PER_NODE", "2(x3)"}})),
            "SLURM_STEP_TASKS_PER_NODE: expected counts per node such as 2(x3),1 with a sum of SLURM_STEP_NUM_TASKS, "
            "7, found '2(x3)' (a variable of srun): mend it, or unset SLURM_PROCID");
  EXPECT_EQ(refusal(with(kSrun, {{"SLURM_STEP_NODELIST", "node[x]"}})),
            "SLURM_STEP_NODELIST: expected nodes such as node[03-05,9],x1, found 'node[x]' (a variable of srun): mend "
            "it, or unset SLURM_PROCID");
}

// A batch script and an allocation's shell have SLURM_PROCID too, and wait for nobody.
TEST(Launch, AProcessOfAnAllocationWithoutAStepIsAlone) {
  expect_ranks(read(without(kSrun, "SLURM_STEP_ID")), "none", 0, 1, 0, 1);
  for (const char* own : {"4294967290", "4294967291"}) {  // Slurm's interactive and batch steps
    expect_ranks(read(with(without(kSrun, "SLURM_STEP_NUM_TASKS"), {{"SLURM_STEP_ID", own}})), "none", 0, 1, 0, 1);
  }
  const auto one = with(kSrun, {{"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "1"}});
  expect_ranks(read(one), "srun", 0, 1, 0, 1);
}

TEST(Launch, OpenMpi) {
  const auto launch = read(kOpenMpi);
  expect_ranks(launch, "Open MPI", 3, 4, 1, 2);
  EXPECT_EQ(launch.address, "a");
  EXPECT_EQ(launch.port, 4000);
  EXPECT_EQ(refusal(without(kOpenMpi, "OMPI_COMM_WORLD_SIZE")),
            "OMPI_COMM_WORLD_SIZE: is not set, and OMPI_COMM_WORLD_RANK is, as Open MPI does it: start every rank with "
            "Open MPI, or unset OMPI_COMM_WORLD_RANK");
}

TEST(Launch, Mpich) {
  const auto launch = read(kMpich);
  expect_ranks(launch, "MPICH", 3, 4, 3, 4);
  EXPECT_TRUE(launch.one_machine());
  EXPECT_EQ(launch.port, 4001);
  expect_ranks(read({{"PMI_RANK", "0"}, {"PMI_SIZE", "1"}}), "MPICH", 0, 1, 0, 1);
  EXPECT_EQ(refusal({{"PMI_RANK", "0"}}),
            "PMI_SIZE: is not set, and PMI_RANK is, as MPICH does it: start every rank with MPICH, or unset PMI_RANK");
}

TEST(Launch, MpiNeedsAnAddressOrAFile) {
  const std::string rest =
      " does not say where its ranks meet: export MASTER_ADDR, the host of rank 0, and MASTER_PORT, a free port there, "
      "or set parallel.store to a new file that all ranks share";
  EXPECT_EQ(refusal(without(kOpenMpi, "MASTER_ADDR")), "MASTER_ADDR: is not set, and Open MPI" + rest);
  EXPECT_EQ(refusal(without(kMpich, "MASTER_PORT")), "MASTER_PORT: is not set, and MPICH" + rest);
  EXPECT_EQ(read(without(kOpenMpi, "MASTER_ADDR"), "file").ranks, 4);
  auto one = kOpenMpi;
  one["OMPI_COMM_WORLD_RANK"] = one["OMPI_COMM_WORLD_LOCAL_RANK"] = "0";
  one["OMPI_COMM_WORLD_SIZE"] = one["OMPI_COMM_WORLD_LOCAL_SIZE"] = "1";
  EXPECT_EQ(read(without(one, "MASTER_ADDR")).ranks, 1);
}

TEST(Launch, TheFirstLauncherCounts) {
  auto all = with(with(kMpich, kOpenMpi), kSrun);
  EXPECT_EQ(read(with(all, kTorchrun)).source, "torchrun");
  all["OMPI_COMM_WORLD_SIZE"] = all["PMI_SIZE"] = "7";  // srun with an MPI plugin sets these too
  EXPECT_EQ(read(all).source, "srun");
  EXPECT_EQ(read(with(kMpich, kOpenMpi)).source, "Open MPI");
  // mpirun in an allocation: the step is that of its daemons, one a node.
  EXPECT_EQ(read(with(kSrun, kOpenMpi)).source, "Open MPI");
  EXPECT_EQ(read(with(kSrun, kMpich)).source, "MPICH");
}

TEST(SlurmText, TasksOfNodes) {
  using Tasks = std::vector<int64_t>;
  EXPECT_EQ(tasks_of_nodes("4"), Tasks{4});
  EXPECT_EQ(tasks_of_nodes("2(x3),1"), (Tasks{2, 2, 2, 1}));
  EXPECT_EQ(tasks_of_nodes("1,3(x2),2"), (Tasks{1, 3, 3, 2}));
  for (const char* bad : {"", ",", "2,", "x", "-1", "2(x)", "2(x3", "2(x-1)", "2(3)", "2(x3)1", "0", "2 ,1",
                          "2(x99999999)", "99999999999999999999"}) {
    EXPECT_FALSE(tasks_of_nodes(bad)) << bad;
  }
}

TEST(SlurmText, FirstNode) {
  EXPECT_EQ(first_node("node1"), "node1");
  EXPECT_EQ(first_node("node1,node2"), "node1");
  EXPECT_EQ(first_node("node[03-05,9],x1"), "node03");
  EXPECT_EQ(first_node("x1,node[03-05]"), "x1");
  EXPECT_EQ(first_node("rack[1-2]-node[007,9].cluster"), "rack1-node007.cluster");
  EXPECT_EQ(first_node("n[5]"), "n5");
  for (const char* bad : {"", ",", "node[", "node[]", "node[a]", "node]", "node[-3]", "no de"}) {
    EXPECT_FALSE(first_node(bad)) << bad;
  }
}

}  // namespace
}  // namespace moe

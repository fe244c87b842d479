// What one process refuses, many refuse as well: every rank with the same exit code and at once, and nothing
// written. What is refused before ranks have met each says for itself, since the others may have read another
// file; from then on one says it for all.
#include "data/formats/manifest.h"
#include "tests/support/tiny_ranks.h"

namespace moe {
namespace {

namespace fs = std::filesystem;

class HostileRanks : public TinyRanks {
 protected:
  void expect_refused(int ranks, const Words& words, const std::string& says, int code = kUsage) const {
    expect_end(ranks, "tiny.yaml", words, says, code, 1);
  }
  void expect_refused_by_each(int ranks, const Words& words, const std::string& says,
                              const std::string& config = "tiny.yaml") const {
    expect_end(ranks, config, words, says, kUsage, ranks);
  }

 private:
  void expect_end(int ranks, const std::string& config, const Words& words, const std::string& says, int code,
                  int times) const {
    SCOPED_TRACE(says);
    const auto before = tiny_.files().names();
    auto command = tiny_.command(timeout(20) + words);
    command[1] = config;
    const auto started = std::chrono::steady_clock::now();
    Ranks started_ranks(ranks, command, tiny_.folder());
    expect_all(started_ranks, code);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started;
    EXPECT_LT(seconds.count(), 20) << "somebody waited for the timeout";
    const auto printed = started_ranks.printed();
    EXPECT_EQ(count_of(printed, says), static_cast<size_t>(times)) << printed;
    for (int r = 0; r < ranks; ++r) EXPECT_EQ(started_ranks[r].out(), "");
    EXPECT_EQ(tiny_.files().names(), before) << "something was written";
  }
};

TEST_F(HostileRanks, RefuseConfigsThatCannotBe) {
  expect_refused_by_each(4, {"parallel.expert=3", "model.moe.experts=6"},
                 "parallel.expert: expected a divisor of the 4 ranks (started by: torchrun), found 3");
  expect_refused_by_each(2, {"parallel.expert=2", "model.moe.experts=3"},
                         "parallel.expert: must divide model.moe.experts (3)");
  expect_refused_by_each(2, {"parallel.timeout=0"}, "parallel.timeout: expected a number at least 1");
  expect_refused_by_each(2, {"parallel.timeout=nan"}, "parallel.timeout: expected a number at least 1");
  expect_refused_by_each(2, {"parallel.expert=-1"}, "parallel.expert: expected an integer at least 1");
  expect_refused_by_each(2, {"parallel.bucket_mib=0"}, "parallel.bucket_mib: expected a number above 0");
  expect_refused_by_each(2, {"parallel.store=nowhere/store"},
                         "parallel.store: expected a file in a folder that exists");
  expect_refused_by_each(2, {"parallel.backend=nccl"}, "parallel.backend: expected gloo or auto for tensors on cpu");
  expect_refused_by_each(2, {"train.steps=1e19"}, "(beyond 64 bits)");
  expect_refused_by_each(2, {}, "cannot read the configuration: No such file", "gone.yaml");
}

TEST_F(HostileRanks, RefuseWhatIsFoundOutTogether) {
  expect_refused(2, {"data.train=nothing.txt"}, "nothing.txt", kFailed);
  expect_refused(2, {"--resume=require"}, "--resume require, and there is no run here to resume");
  expect_refused(2, {"optimizer.groups.x.match=[nothing*]"}, "optimizer.groups.x");
  expect_refused(2, {"model.d_model=65536", "model.layers=1024", "model.heads=512", "model.active_width=262144",
                     "model.moe.experts=64", "train.batch_tokens=1048576"},
                 "and this machine has ");
}

TEST_F(HostileRanks, RefuseAnotherRunsFolder) {
  train({2, 2}, "run", {"train.steps=3"});
  const Words run = run_words("run");
  expect_refused(2, run + Words{"model.layers=3"}, "run: holds a run of another configuration:\n  model.layers");
  expect_refused(2, run + Words{"train.steps=2"}, "train.steps: expected at least 3, which the run in run has reached");
  expect_refused(2, run + Words{"--resume=never"}, "run: --resume never, and there is a run here already");
  tiny_.files().write_file("text.txt", tiny_text(3000));
  expect_refused(2, run + Words{"train.steps=9"}, "bring the text back, or train anew in another run.dir", kFailed);
}

// Their hashes fit: who wrote them meant it.
TEST_F(HostileRanks, RefuseCraftedCheckpoints) {
  const auto rewritten = [this](const std::string& name, const std::function<std::string(std::string)>& change) {
    fs::remove_all(tiny_.file("run"));
    train({2, 2}, "run", {"train.steps=3"});
    const auto folder = checkpoint("run", 3), path = folder + "/" + name;
    const auto text = change(read_bytes(path));
    fs::remove(path);
    tiny_.files().write_file("run/checkpoints/step-00000003/" + name, text);
    auto manifest = read_manifest(folder);
    manifest[name] = hash_file(path);
    write_manifest(folder, manifest);
  };
  const Words words = run_words("run") + Words{"train.steps=5"};
  const std::string second = "model-00002-of-00002.safetensors";
  rewritten(second, [](std::string text) { return text.substr(0, 4); });
  expect_refused(2, words, second, kCheckFailed);
  rewritten(second, [&](const std::string&) {
    return read_bytes(checkpoint("run", 3) + "/model-00001-of-00002.safetensors");
  });
  expect_refused(2, words, "run: no checkpoint is good:", kCheckFailed);
  rewritten("state.json", [](const std::string&) { return std::string("{\"step\": -1}"); });
  expect_refused(2, words, "state.json", kCheckFailed);
}

}  // namespace
}  // namespace moe

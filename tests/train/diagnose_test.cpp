// The program on runs: figures equal those of metrics.jsonl, and hostile files are told apart.
#include "train/diagnose/diagnose.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <set>
#include <sstream>

#include "configs/config_io.h"
#include "configs/errors.h"
#include "tests/support/tiny_run.h"
#include "train/diagnose/rows.h"
#include "train/diagnose/text.h"

namespace moe {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Finished program(const TinyRun& tiny, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), MOE_BIN_DIR "/moe-diagnose");
  return run_to_end(arguments, tiny.folder());
}

// A folder with this run's config and these lines as its metrics.
void write_run(const TinyRun& tiny, const std::string& name, const std::string& lines) {
  std::filesystem::create_directories(tiny.file(name));
  tiny.files().write_file(name + "/config.yaml", kTinyConfig);
  tiny.files().write_file(name + "/metrics.jsonl", lines);
}

std::string row(int64_t step, const std::string& load = "[10,10,10,10]") {
  return R"({"step":)" + std::to_string(step) +
         R"(,"split":"train","loss":2.5,"moe":[{"layer":0,"tokens_per_expert":)" + load +
         R"(,"entropy":1,"slots_per_token":2,"empty_tokens":0,"dropped":0,"gate":{}}]})" + "\n";
}

TEST(Diagnose, OneRowsFiguresAreThoseOfTheRow) {
  const TinyRun tiny;
  ASSERT_EQ(tiny.train({"run.dir=run", "train.steps=5"}).code, 0);
  const auto last = last_train_rows(tiny.rows("run"), 1).at(0);
  write_run(tiny, "one", last.dump() + "\n");
  const auto result = program(tiny, {"one", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const auto report = Json::parse(result.out);
  EXPECT_EQ(report.at("source"), "run");
  EXPECT_EQ(report.at("step"), 5);
  EXPECT_EQ(report.at("rows"), 1);
  EXPECT_EQ(report.at("loss"), last.at("loss"));
  ASSERT_EQ(report.at("layers").size(), last.at("moe").size());
  for (size_t i = 0; i < last.at("moe").size(); ++i) {
    const auto &mine = report.at("layers")[i], &theirs = last.at("moe")[i];
    for (const char* name : {"layer", "tokens_per_expert", "max_vio", "load_cv", "dead_experts",
                             "entropy", "slots_per_token", "empty_tokens", "dropped", "gate"}) {
      EXPECT_EQ(mine.at(name), theirs.at(name)) << name;
    }
    EXPECT_EQ(mine.at("max_vio_batch"), theirs.at("max_vio"));
  }
}

TEST(Diagnose, PoolsTheLastHundredLoggedSteps) {
  const TinyRun tiny;
  std::string lines = row(1, "[1000,0,0,0]");
  for (int64_t step = 2; step <= 101; ++step) {
    lines += row(step, step % 2 ? "[40,0,0,0]" : "[0,40,40,40]");
  }
  write_run(tiny, "run", lines);
  DiagnoseOptions options;
  options.path = tiny.file("run");
  const auto diagnosis = diagnose(options);
  EXPECT_EQ(diagnosis.rows, 100);
  EXPECT_EQ(diagnosis.first_step, 2);
  EXPECT_EQ(diagnosis.step, 101);
  const auto& layer = diagnosis.layers.at(0);
  EXPECT_EQ(layer.load.tokens_per_expert, (std::vector<double>{2000, 2000, 2000, 2000}));
  EXPECT_EQ(layer.load.max_vio, 0);
  EXPECT_NEAR(layer.max_vio_batch, (3 + 1.0 / 3) / 2, 1e-12);
  EXPECT_TRUE(healthy(diagnosis.findings));
}

// docs/diagnostics.md repeats the table of rules.
TEST(Diagnose, TheDocumentHasEveryRule) {
  const auto document = read_bytes(MOE_SOURCE_DIR "/docs/diagnostics.md");
  for (const auto& rule : diagnose_rules()) {
    std::ostringstream line;
    line << "| `" << rule.name << "` | " << severity_name(rule.severity) << " | `" << rule.figure
         << "` > " << rule.threshold << " | " << rule.only << " |";
    EXPECT_THAT(document, HasSubstr(line.str()));
  }
}

// Advice names keys that exist, in some gate or in every run.
TEST(Diagnose, AdviceNamesKeysThatExist) {
  std::set<std::string> known;
  for (const auto& gate : gate_kinds()) {
    auto config = parse_config<RunConfig>(
        kTinyConfig, "tiny",
        {"model.moe.allow_future_leak=true", "model.moe.gate.kind=" + gate.name});
    for (const auto& [key, value] : flatten_config(view_of(config))) known.insert(key);
  }
  for (const auto& rule : diagnose_rules()) {
    EXPECT_FALSE(rule.advice.empty()) << rule.name;
    for (const auto& advice : rule.advice) {
      EXPECT_TRUE(*advice.key == '\0' || known.count(advice.key) > 0) << advice.key;
    }
  }
}

// The beginning of a short run is in its figures and not in its findings.
TEST(Diagnose, FindingsAreAboutTheLastSteps) {
  const TinyRun tiny;
  std::string lines;
  for (int64_t step = 1; step <= 30; ++step) {
    lines += row(step, step > 15 ? "[80,80,80,0]" : "[1,1,1,99]");
  }
  write_run(tiny, "run", lines);
  const auto result = program(tiny, {"run", "--json"});
  const auto report = Json::parse(result.out);
  EXPECT_EQ(report.at("judged"), 10);
  EXPECT_EQ(report.at("layers")[0].at("dead_experts"), 0);
  EXPECT_EQ(report.at("findings")[0].at("name"), "dead_experts");
  EXPECT_EQ(report.at("findings")[0].at("experts"), Json({3}));
  EXPECT_EQ(report.at("healthy"), false);
}

TEST(Diagnose, ExitCodesForScripts) {
  const TinyRun tiny;
  write_run(tiny, "run", row(1, "[30,10,0,0]"));
  const auto failed = program(tiny, {"run", "--fail-on", "dead_experts>1,max_vio>9"});
  EXPECT_EQ(failed.code, 3) << failed.err;
  EXPECT_THAT(failed.out, HasSubstr("--fail-on dead_experts>1: layer 0 has dead_experts 2\n"));
  EXPECT_THAT(failed.out, Not(HasSubstr("max_vio>9")));
  EXPECT_EQ(program(tiny, {"run", "--fail-on", "dead_experts>2"}).code, 0);
  EXPECT_EQ(program(tiny, {"run", "--fail-on", "dead_expert>2"}).code, 2);
  EXPECT_EQ(program(tiny, {"run", "--fail-on", "dead_experts"}).code, 2);
  EXPECT_EQ(program(tiny, {"run", "--no-such-option"}).code, 2);
  EXPECT_EQ(program(tiny, {"run", "--watch", "--json"}).code, 2);
  EXPECT_EQ(program(tiny, {"run", "--tokens", "0"}).code, 2);
  const auto nowhere = program(tiny, {"nowhere"});
  EXPECT_EQ(nowhere.code, 1);
  EXPECT_THAT(nowhere.err, HasSubstr("moe-diagnose: 'nowhere': expected a run's folder"));
}

TEST(Diagnose, TheRunItselfItsCheckpointAndADamagedOne) {
  const TinyRun tiny;
  ASSERT_EQ(tiny.train({"run.dir=run", "train.steps=5"}).code, 0);
  const std::string checkpoint = "run/checkpoints/step-00000005";
  const auto page = program(tiny, {"run", "--html", "report.html"});
  EXPECT_EQ(page.code, 0) << page.err;
  EXPECT_THAT(read_bytes(tiny.file("report.html")), StartsWith("<!"));
  EXPECT_THAT(read_bytes(tiny.file("report.html")), HasSubstr("Load, layer 1"));
  const auto routed = program(tiny, {checkpoint, "--data", "text.txt", "--tokens", "640"});
  EXPECT_EQ(routed.code, 0) << routed.err;
  EXPECT_THAT(routed.out, HasSubstr("step 5 of 5, routing 640 tokens of text.txt"));
  // The newest of a run, over its own validation rows.
  EXPECT_THAT(program(tiny, {"run", "--tokens", "64"}).out,
              HasSubstr(checkpoint + ": step 5 of 5, routing 64 tokens of the run's validation rows"));
  const auto short_text = tiny.files().write_file("short.txt", "too short");
  EXPECT_THAT(program(tiny, {checkpoint, "--data", "short.txt"}).err,
              HasSubstr("'short.txt': expected at least 17 bytes"));
  std::filesystem::rename(tiny.file("text.txt"), tiny.file("elsewhere.txt"));
  const auto vanished = program(tiny, {checkpoint});
  EXPECT_EQ(vanished.code, 1);
  EXPECT_THAT(vanished.err, HasSubstr("--data FILE routes another one"));
  std::filesystem::resize_file(tiny.file(checkpoint + "/model.safetensors"), 100);
  const auto damaged = program(tiny, {checkpoint, "--data", "elsewhere.txt"});
  EXPECT_EQ(damaged.code, 3) << damaged.err;
  EXPECT_THAT(damaged.err, HasSubstr("model.safetensors"));
}

// Of the run's findings, which have no layer: name and value.
std::vector<std::string> of_the_run(const std::vector<Json>& rows) {
  std::vector<std::string> found;
  for (const auto& finding :
       diagnose_rows("run", parse_config<RunConfig>(kTinyConfig), rows).findings) {
    if (!finding.layer) found.push_back(finding.name + ", " + finding_text(finding));
  }
  return found;
}

TEST(Diagnose, StepsThatWereNotFiniteAreFaults) {
  const auto stepped = [](int64_t step, int64_t nonfinite, int64_t spikes) {
    auto json = Json::parse(row(step));
    json["grad_norm"] = 1.0;
    json["bad_steps"] = {{"nonfinite", nonfinite}, {"spikes", spikes}, {"rollbacks", 0}};
    return json;
  };
  EXPECT_THAT(of_the_run({stepped(5, 2, 1), stepped(6, 2, 1)}), testing::IsEmpty());
  EXPECT_THAT(of_the_run({stepped(5, 2, 1), stepped(6, 5, 1)}),
              testing::ElementsAre(
                  "not_finite, the run: steps that were not finite is 3, above 0"));
  EXPECT_THAT(of_the_run({stepped(5, 2, 1), stepped(6, 2, 2)}),
              testing::ElementsAre("loss_spikes, the run: spikes is 1, above 0"));
  // Before the run's first row there was none to count in.
  EXPECT_THAT(of_the_run({stepped(1, 1, 0)}), testing::SizeIs(1));
  auto no_gradient = stepped(6, 0, 0);
  no_gradient["grad_norm"] = nullptr;
  EXPECT_THAT(of_the_run({stepped(5, 0, 0), no_gradient}),
              testing::ElementsAre(
                  "not_finite, the run: gradient norms that are no numbers is 1, above 0"));
  for (const char* hostile : {"7", "{}", "null", R"({"nonfinite":"9"})", R"({"nonfinite":-9})"}) {
    auto strange = stepped(6, 0, 0);
    strange["bad_steps"] = Json::parse(hostile);
    EXPECT_THAT(of_the_run({stepped(5, 0, 0), strange}), testing::IsEmpty()) << hostile;
  }
}

// Rows without log.diagnostics do not say how many tokens went empty. A step of the tiny run has 64 tokens,
// of which 32 slots an expert are due.
TEST(Diagnose, AnIdleLayerIsAFault) {
  const auto names = [](const std::vector<std::string>& overrides) {
    auto json = Json::parse(row(30, "[0,0,0,0]"));
    auto& layer = json["moe"][0];
    layer["slots_per_token"] = 0;
    for (const char* unformed : {"entropy", "empty_tokens", "dropped"}) layer[unformed] = nullptr;
    layer["slots_histogram"] = Json::array();
    const auto config = parse_config<RunConfig>(kTinyConfig, "tiny", overrides);
    std::vector<std::string> found;
    for (const auto& one : diagnose_rows("run", config, {json}).findings) found.push_back(one.name);
    return found;
  };
  EXPECT_THAT(names({}), testing::ElementsAre("dead_experts"));
  EXPECT_THAT(names({"train.batch_tokens=32"}), testing::IsEmpty());  // by chance, of so few
}

TEST(Diagnose, ADenseRunHasNoExperts) {
  const TinyRun tiny;
  ASSERT_EQ(tiny.train({"run.dir=run", "train.steps=3", "model.moe=none"}).code, 0);
  const auto result = program(tiny, {"run"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("a dense model: no experts, nothing to diagnose"));
  // Its text is routed all the same: the loss is the model's, near that of even guesses.
  const auto routed = program(tiny, {"run", "--data", "text.txt", "--tokens", "64", "--json"});
  ASSERT_EQ(routed.code, 0) << routed.err;
  EXPECT_NEAR(Json::parse(routed.out).at("loss").get<double>(), 5.5, 1);
  EXPECT_EQ(Json::parse(routed.out).at("tokens"), 64);
  EXPECT_THAT(program(tiny, {"run", "--tokens", "64"}).out, HasSubstr("validation rows\nloss "));
  const auto nowhere = program(tiny, {"run", "--data", "nowhere.txt"});
  EXPECT_EQ(nowhere.code, 1);
  EXPECT_THAT(nowhere.err, HasSubstr("nowhere.txt"));
  const auto refused = program(tiny, {"run", "--fail-on", "max_vio>2"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("leave --fail-on out"));
}

TEST(Diagnose, HostileMetrics) {
  const TinyRun tiny;
  const auto found = [&](const std::string& lines) {
    write_run(tiny, "run", lines);
    DiagnoseOptions options;
    options.path = tiny.file("run");
    return diagnose(options);
  };
  const auto says = [&](const std::string& lines) {
    return message_of<RunError>([&] { found(lines); });
  };
  EXPECT_THAT(says(""), HasSubstr("expected rows of training, found none"));
  EXPECT_THAT(says(R"({"step":1,"split":"valid"})" "\n"), HasSubstr("expected rows of training"));
  EXPECT_THAT(says(R"({"step":1,"split":"train","loss":1})" "\n"), HasSubstr("expected `moe`"));
  EXPECT_THAT(says(R"({"step":1,"split":"train","moe":{"layer":0}})" "\n"),
              HasSubstr("expected `moe`"));
  EXPECT_THAT(says("nonsense\n"), HasSubstr("metrics.jsonl"));
  std::string many = "[0";
  for (int i = 1; i < 100000; ++i) many += ",1";
  for (const std::string& load :
       {std::string("null"), std::string("\"text\""), std::string("[1,2]"), many + "]",
        std::string("[1,null,1,1]"), std::string("[-1,1,1,1]"), std::string("[1e308,1e308,1e308,1e308]"),
        std::string("[\"1\",1,1,1]"), std::string("{}")}) {
    const auto diagnosis = found(row(1, load));
    ASSERT_EQ(diagnosis.layers.size(), 1u);
    EXPECT_GT(diagnosis.layers[0].unusable, 0) << load.substr(0, 40);
    EXPECT_FALSE(healthy(diagnosis.findings));
    EXPECT_LT(diagnosis_text(diagnosis).size(), 4000u);
    EXPECT_LT(diagnosis_json(diagnosis).dump().size(), 4000u);
  }
  // Layers that the model does not have are left out.
  const auto strange = found(R"({"step":1,"split":"train","loss":"1","moe":[{"layer":1e300},)"
                             R"({"layer":-1},{"layer":"0"},7,null,{"layer":1}]})" "\n");
  ASSERT_EQ(strange.layers.size(), 1u);
  EXPECT_EQ(strange.layers[0].layer, 1);
  EXPECT_THAT(verdict(strange), HasSubstr("fault"));
}

}  // namespace
}  // namespace moe

// Configurations that were broken by accident or on purpose, given to the real program: each ends
// with exit code 2 and an error that names the place, in little memory, and nothing is written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <chrono>
#include <filesystem>
#include <iostream>

#include "configs/errors.h"
#include "tests/support/tiny_run.h"

namespace moe {
namespace {

using testing::HasSubstr;

struct Hostile {
  std::string what;
  std::string text;      // of the file
  std::string expected;  // a part of the message, which begins with the file's name
};

std::string repeated(const std::string& text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

// One level of a billion laughs: ten aliases of the level below.
std::string laughs() {
  std::string text = "a0: &a0 [lol]\n";
  for (int level = 1; level < 10; ++level) {
    const auto name = "a" + std::to_string(level), below = "*a" + std::to_string(level - 1);
    text += name + ": &" + name + " [" + repeated(below + ",", 9) + below + "]\n";
  }
  return text;
}

std::vector<Hostile> syntax() {
  const std::string control = "found the control character ";
  return {
      {"cyclic alias", "data: {train: &x [*x]}\n", ":1:15: data.train: anchors (&)"},
      {"billion laughs", laughs(), ":1:5: a0: anchors (&) and aliases (*) are not supported"},
      {"deep lists", "data: {train: " + std::string(400'000, '[') + "\n", "32 levels of nesting"},
      {"deep mappings", repeated("{a: ", 100'000), "32 levels of nesting"},
      {"deep block lists", "data:\n  train:\n    " + repeated("- ", 200'000) + "a\n", "32 levels"},
      {"deep complex keys", repeated("? ", 200'000) + "a\n", "c.yaml:1:"},
      {"tabs", "data:\n\ttrain: a\n", ":2:1: expected spaces as indentation, found a tab"},
      {"several documents", "data: {train: text.txt}\n---\nmodel: {}\n", ":2:1: expected one document"},
      {"merge key", "model: {<<: {layers: 1}}\n", ":1:9: model.<<: merge keys (<<)"},
      {"complex key", "? [a]\n: b\n", ":1:3: expected a word as key, found a list"},
      {"complex key, a mapping", "? {a: b}\n: c\n", ":1:3: expected a word as key, found a mapping"},
      {"a key twice", "model: {layers: 1, layers: 2}\n", ":1:20: model.layers: expected every key once"},
      {"escape", "data: {train: a}\n\x1b[2J: 1\n", ":2:1: expected text, " + control + "\\x1b"},
      {"NUL", std::string("data: {train: a}\n\0\n", 19), ":2:1: expected text, " + control + "\\x00"},
      {"end of transmission", "data: {train: a}\n\x04\nx: 1\n", ":2:1: expected text, " + control},
      {"10 MB scalar", "run: {name: " + std::string(10'000'000, 'x') + "}\n",
       ": expected at most 1048576 bytes of configuration, found more"},
      {"10 MB key", std::string(10'000'000, 'x') + ": 1\n", ": expected at most 1048576 bytes"},
      {"1 MB key", std::string(1'000'000, 'x') + ": 1\n", "expected no ':' here"},
      {"1000 bytes of key", std::string(1000, 'x') + ": 1\n", "expected a key of at most 100 bytes"},
      {"100 000 unknown keys",
       [] {
         std::string text;
         for (int i = 0; i < 100'000; ++i) text += "k" + std::to_string(i) + ": 1\n";
         return text;
       }(),
       ":1:1: k0: unknown key"},
      {"60 000 entries of layers",
       [] {
         std::string text = "data: {train: text.txt}\nmodel:\n  moe:\n    layers:\n";
         for (int i = 0; i < 60'000; ++i) text += "      " + std::to_string(i) + ": {}\n";
         return text;
       }(),
       "c.yaml:5:7: model.moe.layers: expected at most 1024 entries, found 60000"},
      {"200 000 quotes", "data: {train: [" + repeated("\"\",", 200'000) + "]}\nx: 1\n", ":2:1: x: unknown"},
      {"not UTF-8", "data: {train: caf\xe9}\n", ":1:18: expected UTF-8 text, found the byte \\xe9"},
      {"UTF-16", std::string("\xff\xfe" "d\0a\0", 6), ":1:1: expected UTF-8 text"},
      {"a byte-order mark, then an error", "\xef\xbb\xbfmodle: {}\n", ":1:1: modle: unknown key (did you"},
      {"unclosed quote", "data: {train: 'a}\n", ":1:1"},
      {"binary tag", "data: {train: !!binary aGk=}\n", ":1:15: data.train: tags (!)"},
      {"empty", "", ": data.train: expected at least one text file or glob, found none"},
      {"only a comment", "# nothing\n", ": data.train: expected at least one text file"},
      {"a list", "- a\n", ":1:1: expected a mapping"},
  };
}

// On top of a config that is right.
std::vector<Hostile> numbers() {
  const std::string at = ":2:";
  return {
      {"NaN, a number", "schedule: {lr: .nan}", "schedule.lr: expected a number above 0, found '.nan'"},
      {"infinity, a number", "optimizer: {clip: inf}", "optimizer.clip: expected a number at least 0"},
      {"NaN, an integer", "train: {steps: nan}", "train.steps: expected an integer at least 0"},
      {"infinity, an integer", "model: {layers: .inf}", "model.layers: expected an integer"},
      {"NaN, auto or an integer", "model: {kv_heads: NaN}", "model.kv_heads: expected auto or an"},
      {"NaN, a knob of a gate", "model: {moe: {gate: {kind: dselect_k, gamma: nan}}}",
       "model.moe.gate.gamma: expected a number"},
      {"NaN, a list", "sweep: {seeds: [1, .nan]}", "sweep.seeds[1]: expected an integer"},
      {"overflow, a number", "schedule: {lr: 1e999}", "schedule.lr: expected a number above 0"},
      {"overflow, an integer", "train: {steps: 1e19}", "(beyond 64 bits)"},
      {"long exponent", "train: {steps: 1e" + std::string(100'000, '9') + "}", "train.steps: expected"},
      {"long digits", "train: {steps: " + std::string(100'000, '9') + "}", "train.steps: expected"},
      {"negative", "model: {d_model: -64}", "model.d_model: expected an integer at least 1"},
      {"zero", "model: {moe: {experts: 0}}", "model.moe.experts: expected an integer at least 1"},
      {"out of range", "model: {layers: 1025}", "at least 1 and at most 1024, found '1025'"},
      {"all int64", "train: {eval_tokens: 9223372036854775807}", "train.eval_tokens: expected an"},
      {"products beyond 64 bits",
       "model: {d_model: 65536, layers: 1024, heads: 1024, context: 1, active_width: 1048576, "
       "moe: {experts: 65536, gate: {k: 1}}}",
       "model: layers x experts x d_model x width: expected less than 2^56 parameters, found 1.4e+19"},
      {"a batch beyond 64 bits",
       "model: {d_model: 65536, layers: 1024, heads: 1024, context: 1000000}\n"
       "train: {batch_tokens: 1e12}",
       "train.batch_tokens: one micro-step"},
      {"a batch of tokens beyond 64 bits", "train: {batch_tokens: 9e18}", "train.batch_tokens: expected"},
  };
}

// The program in a folder of its own, with the most memory that it held.
class HostileConfig : public ::testing::Test {
 protected:
  struct End {
    int code = -1;
    std::string out, err;
    double seconds = 0;
    int64_t peak_bytes = 0;
  };

  End train(const std::string& config, const std::vector<std::string>& more = {}) {
    std::vector<std::string> command = {"/usr/bin/env", "OMP_WAIT_POLICY=PASSIVE",
                                        MOE_BIN_DIR "/moe-train", config};
    command.insert(command.end(), more.begin(), more.end());
    const auto start = std::chrono::steady_clock::now();
    Process process(command, tiny_.folder());
    End end;
    end.code = process.wait(120).value_or(-1);
    end.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    end.out = process.out();
    end.err = process.err();
    rusage children{};
    getrusage(RUSAGE_CHILDREN, &children);  // the largest of all that have ended so far
    end.peak_bytes = int64_t{children.ru_maxrss} * 1024;
    longest_ = std::max(longest_, end.seconds);
    largest_ = std::max(largest_, end.peak_bytes);
    ++tried_;
    return end;
  }

  // Exit code 2, one message about this file, nothing new in the folder.
  void expect_refused(const std::string& config, const std::string& expected,
                      const std::vector<std::string>& more = {}) {
    const auto before = tiny_.files().names();
    const End end = train(config, more);
    EXPECT_EQ(end.code, kUsage) << end.err.substr(0, 1000);
    EXPECT_EQ(end.out, "");
    EXPECT_EQ(end.err.rfind("moe-train: " + config + ":", 0), 0u) << end.err.substr(0, 1000);
    EXPECT_THAT(end.err.substr(0, 4000), HasSubstr(expected));
    EXPECT_LT(end.err.size(), 20'000u) << "more than a person reads";
    EXPECT_EQ(tiny_.files().names(), before) << "something was written";
    EXPECT_LT(end.peak_bytes, int64_t{500} << 20);
  }

  void TearDown() override {
    std::cout << tried_ << " hostile inputs; the longest took " << longest_
              << " s, the largest held " << largest_ / 1'000'000 << " MB" << std::endl;
  }

  TinyRun tiny_;
  int tried_ = 0;
  double longest_ = 0;
  int64_t largest_ = 0;
};

TEST_F(HostileConfig, Syntax) {
  for (const auto& hostile : syntax()) {
    SCOPED_TRACE(hostile.what);
    tiny_.files().write_file("c.yaml", hostile.text);
    expect_refused("c.yaml", hostile.expected);
  }
}

TEST_F(HostileConfig, Numbers) {
  for (const auto& hostile : numbers()) {
    SCOPED_TRACE(hostile.what);
    tiny_.files().write_file("c.yaml", "data: {train: text.txt}\n" + hostile.text + "\n");
    expect_refused("c.yaml", hostile.expected);
  }
}

TEST_F(HostileConfig, WhatIsNoFile) {
  ASSERT_EQ(::mkfifo(tiny_.file("fifo").c_str(), 0600), 0);
  std::filesystem::create_directory(tiny_.file("folder"));
  std::filesystem::create_symlink("loop", tiny_.file("loop"));
  expect_refused("fifo", "expected a configuration file, found a FIFO");
  expect_refused("folder", "expected a configuration file, found a folder");
  expect_refused("/dev/zero", "expected a configuration file, found a device");
  expect_refused("loop", "Too many levels of symbolic links");
  expect_refused("text.txt/c.yaml", "cannot read the configuration: Not a directory");
  expect_refused("gone.yaml", "cannot read the configuration: No such file");
  tiny_.files().write_file("secret.yaml", "data: {train: text.txt}\n");
  ASSERT_EQ(::chmod(tiny_.file("secret.yaml").c_str(), 0), 0);
  if (::geteuid() != 0) {  // root reads it all the same
    expect_refused("secret.yaml", "cannot read the configuration: Permission denied");
  }
}

// Sizes that 64 bits hold and no machine of these days: refused before anything is allocated, while
// --dry-run tells what they would need.
TEST_F(HostileConfig, WhatTheMachineCannotHold) {
  const std::vector<std::string> sizes = {
      "model.d_model=65536", "model.layers=1024", "model.heads=512", "model.active_width=262144",
      "model.moe.experts=64", "train.batch_tokens=1048576"};
  const auto before = tiny_.files().names();
  auto end = train("tiny.yaml", sizes);
  EXPECT_EQ(end.code, kUsage) << end.err;
  EXPECT_THAT(end.err, HasSubstr("moe-train: model: this run needs more than "));
  EXPECT_THAT(end.err, HasSubstr("and this machine has "));
  EXPECT_EQ(tiny_.files().names(), before);
  auto dry = sizes;
  dry.insert(dry.end(), {"--dry-run", "--json"});
  end = train("tiny.yaml", dry);
  EXPECT_EQ(end.code, kDone) << end.err;
  const auto report = Json::parse(end.out);
  EXPECT_GT(report["parameters"]["total"].get<double>(), 1e15);
  EXPECT_LT(end.peak_bytes, int64_t{500} << 20);
}

TEST_F(HostileConfig, Overrides) {
  const std::vector<std::pair<std::string, std::string>> overrides = {
      {"train.steps=&x [*x]", "expected an integer"},
      {"data.train=" + std::string(100'000, '['), "32 levels of nesting"},
      {"data.train=[*a]", "data.train"},
      {"model.layers=\x01", "expected an integer"},
      {"train.steps=" + std::string(100'000, '9'), "train.steps: expected an integer"},
      {std::string(100'000, 'k') + "=1", "unknown key"},
      {std::string(100'000, '.') + "=1", "expected the form dotted.key=value"},
      {"model.moe.gate.kind=" + std::string(100'000, 'x'), "model.moe.gate.kind: expected"},
      {"schedule.lr=nan", "only finite numbers"},
  };
  const auto before = tiny_.files().names();
  for (const auto& [override, expected] : overrides) {
    SCOPED_TRACE(override.substr(0, 60));
    const End end = train("tiny.yaml", {override});
    EXPECT_EQ(end.code, kUsage) << end.err.substr(0, 1000);
    EXPECT_EQ(end.err.rfind("moe-train: override '", 0), 0u) << end.err.substr(0, 1000);
    EXPECT_THAT(end.err.substr(0, 4000), HasSubstr(expected));
    EXPECT_LT(end.err.size(), 20'000u);
    EXPECT_EQ(tiny_.files().names(), before);
  }
}

}  // namespace
}  // namespace moe

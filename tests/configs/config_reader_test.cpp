// Values and keys that are refused, by the exact words.
#include "configs/config_reader.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/configs/sample_config.h"
#include "tests/support/temp_dir.h"

namespace moe {
namespace {

TEST(ConfigReader, ReadsEveryType) {
  const auto config = parse_sample(
      "name: 5\n"
      "files: [a b.txt, \"c\"]\n"
      "model:\n"
      "  width: 1e2\n"
      "  norm: 'none'\n"
      "  moe: {experts: 3, d_hidden: 7, gate: {kind: step, gamma: 2, entropy: false}}\n"
      "train: {lr: 3e-4, shuffle: false}\n"
      "sweep:\n"
      "  seeds: 9\n"
      "  variants: {dense: model.moe=none, two: [a=1, 'b=[1]']}\n");
  EXPECT_EQ(config.name, "5");
  EXPECT_EQ(config.files, (std::vector<std::string>{"a b.txt", "c"}));
  EXPECT_EQ(config.model.width, 100);
  EXPECT_EQ(config.model.norm, "none");
  ASSERT_TRUE(config.model.moe.has_value());
  EXPECT_EQ(config.model.moe->experts, 3);
  EXPECT_EQ(config.model.moe->d_hidden, 7);
  const auto* gate = dynamic_cast<const StepGate*>(config.model.moe->gate.config.get());
  ASSERT_NE(gate, nullptr);
  EXPECT_EQ(gate->gamma, 2);
  EXPECT_FALSE(gate->entropy);
  EXPECT_EQ(config.train.lr, 3e-4);
  EXPECT_EQ(config.train.steps, 1000);
  EXPECT_FALSE(config.train.shuffle);
  EXPECT_EQ(config.sweep.seeds, std::vector<int64_t>{9});
}

TEST(ConfigReader, NamedListsKeepTheirOrder) {
  const auto config = parse_sample("sweep: {variants: {z: [x], a: y, m: []}}\n");
  const Fields::NamedLists expected = {{"z", {"x"}}, {"a", {"y"}}, {"m", {}}};
  EXPECT_EQ(config.sweep.variants, expected);
}

TEST(ConfigReader, SaysAllProblemsAtOnceInTheOrderOfTheFile) {
  EXPECT_EQ(
      problems_of("train:\n"
                  "  stepz: 3\n"
                  "  lr: 0\n"
                  "model:\n"
                  "  norm: rsm\n"
                  "  heads: four\n"
                  "  heads: 4\n"),
      "c.yaml:2:3: train.stepz: unknown key (did you mean 'steps'?)\n"
      "c.yaml:3:7: train.lr: expected a number above 0, found '0'\n"
      "c.yaml:5:9: model.norm: expected rms, layer or none, found 'rsm' (did you mean 'rms'?)\n"
      "c.yaml:6:10: model.heads: expected an integer at least 1, found 'four'\n"
      "c.yaml:7:3: model.heads: expected every key once, found it again: it is also on line 6");
}

TEST(ConfigReader, ManyProblemsAreCounted) {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "key" + std::to_string(i) + ": 1\n";
  const std::string problems = problems_of(text);
  EXPECT_EQ(std::count(problems.begin(), problems.end(), '\n'), 50);
  EXPECT_EQ(problems.substr(problems.rfind('\n') + 1), "... and 10 more");
}

TEST(ConfigReader, Integers) {
  const std::pair<const char*, const char*> cases[] = {
      {"1.5", "'1.5' (not a whole number)"},
      {"010", "'010' (leading zeros are refused: some programs read them as octal)"},
      {"0x10", "'0x10' (write it in decimal)"},
      {"1_000", "'1_000' (write the digits without separators)"},
      {"99999999999999999999", "'99999999999999999999' (beyond 64 bits)"},
      {"'5'", "the quoted text '5' (write it without quotes)"},
      {"'x'", "the quoted text 'x'"},
      {"''", "''"},
      {"[5]", "a list"},
      {"{a: 5}", "a mapping"},
      {"true", "'true'"}};
  for (const auto& [text, found] : cases) {
    EXPECT_EQ(problems_of("train: {steps: " + std::string(text) + "}\n"),
              "c.yaml:1:16: train.steps: expected an integer, found " + std::string(found));
  }
  EXPECT_EQ(problems_of("model: {heads: 0}\n"),
            "c.yaml:1:16: model.heads: expected an integer at least 1, found '0'");
}

TEST(ConfigReader, NumbersAndBooleans) {
  EXPECT_EQ(problems_of("train: {decay: 1, shuffle: yes, lr: .inf}\n"),
            "c.yaml:1:16: train.decay: expected a number at least 0 and below 1, found '1'\n"
            "c.yaml:1:28: train.shuffle: expected true or false, found 'yes' (write true)\n"
            "c.yaml:1:37: train.lr: expected a number above 0, found '.inf' (only finite numbers)");
  EXPECT_EQ(problems_of("train: {lr: '1', shuffle: 'true'}\n"),
            "c.yaml:1:13: train.lr: expected a number above 0, found the quoted text '1' (write it "
            "without quotes)\n"
            "c.yaml:1:27: train.shuffle: expected true or false, found the quoted text 'true' "
            "(write it without quotes)");
}

TEST(ConfigReader, NothingIsNoValue) {
  EXPECT_EQ(problems_of("name:\nfiles: [a, ~]\nmodel:\ntrain: {steps: null}\n"),
            "c.yaml:1:1: name: expected a text, found nothing (write '' for the empty text)\n"
            "c.yaml:2:8: files[1]: expected a text, found nothing (write '' for the empty text)\n"
            "c.yaml:3:1: model: expected a mapping of keys, found nothing\n"
            "c.yaml:4:9: train.steps: expected an integer, found nothing");
  EXPECT_EQ(parse_sample("name: ''\n").name, "");
  EXPECT_EQ(parse_sample("name: \"\"\n").name, "");
}

TEST(ConfigReader, AutoAndNoneAreWords) {
  EXPECT_EQ(parse_sample("model: {moe: {d_hidden: auto}}").model.moe->d_hidden, std::nullopt);
  EXPECT_FALSE(parse_sample("model: {moe: none}").model.moe.has_value());
  EXPECT_TRUE(parse_sample("model: {moe: {}}").model.moe.has_value());
  EXPECT_EQ(problems_of("model: {moe: {d_hidden: Auto}}"),
            "c.yaml:1:25: model.moe.d_hidden: expected auto or an integer at least 1, found 'Auto' "
            "(write auto)");
  EXPECT_EQ(problems_of("model: {moe: {d_hidden: 0}}"),
            "c.yaml:1:25: model.moe.d_hidden: expected auto or an integer at least 1, found '0'");
  EXPECT_EQ(
      problems_of("model: {moe: None}"),
      "c.yaml:1:14: model.moe: expected none or a mapping of keys, found 'None' (write none)");
}

TEST(ConfigReader, Lists) {
  EXPECT_EQ(problems_of("files: {a: b}\nsweep: {seeds: [1, x, -1], variants: [a]}\n"),
            "c.yaml:1:8: files: expected a list of texts, found a mapping\n"
            "c.yaml:2:20: sweep.seeds[1]: expected an integer at least 0, found 'x'\n"
            "c.yaml:2:23: sweep.seeds[2]: expected an integer at least 0, found '-1'\n"
            "c.yaml:2:38: sweep.variants: expected named lists of texts, found a list");
  EXPECT_EQ(problems_of("sweep: {seeds: x, variants: {v: {a: 1}}}\n"),
            "c.yaml:1:16: sweep.seeds: expected a list of integers at least 0, found 'x'\n"
            "c.yaml:1:33: sweep.variants.v: expected a list of texts, found a mapping");
}

TEST(ConfigReader, MisplacedKeysAreShownTheirPlace) {
  EXPECT_EQ(problems_of("steps: 5\nmodel: {gamma: 1}\n"),
            "c.yaml:1:1: steps: unknown key (did you mean 'train.steps'?)\n"
            "c.yaml:2:9: model.gamma: unknown key (did you mean 'model.moe.gate.gamma'?)");
  EXPECT_EQ(problems_of("sweep: {zzzzzz: 5}\n"),
            "c.yaml:1:9: sweep.zzzzzz: unknown key: expected variants or seeds");
  EXPECT_EQ(problems_of("train: {steps:5}\n"),
            "c.yaml:1:9: train.steps:5: unknown key: write a space after the ':'");
}

TEST(ConfigReader, RulesAreSaidAtTheKeyOrItsNearestGivenSection) {
  EXPECT_EQ(problems_of("train:\n  steps: 13\nmodel:\n  heads: 5\nfiles: []\n"),
            "c.yaml:2:3: train.steps: expected another number, found 13\n"
            "c.yaml:4:3: model.heads: expected a divisor of width 64, found 5\n"
            "c.yaml:5:1: files: expected at least one file, found none");
  EXPECT_EQ(problems_of("model:\n  width: 63\n"),
            "c.yaml:1:1: model.heads: expected a divisor of width 63, found 4");
  // Rules are for values that could be read.
  EXPECT_EQ(problems_of("train: {steps: x}\nfiles: []\n"),
            "c.yaml:1:16: train.steps: expected an integer, found 'x'");
}

struct AlwaysBroken {
  void fields(Fields&) {}
  void check(Rules& rules) const { rules.require(false, "a.b", "expected more"); }
};

TEST(ConfigReader, ARuleOnAKeyThatNobodyGaveIsSaidOfTheFile) {
  try {
    parse_config<AlwaysBroken>("", "c.yaml");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), "c.yaml: a.b: expected more");
    EXPECT_EQ(error.exit_code(), kUsage);
  }
}

std::string problems_of_file(const std::string& path) {
  try {
    load_config<SampleConfig>(path);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(LoadConfig, SaysWhichFileAndWhatToDo) {
  EXPECT_EQ(problems_of_file("/nonexistent/c.yaml"),
            "/nonexistent/c.yaml: cannot read the configuration: No such file or directory; give "
            "the path of a YAML file");
  EXPECT_EQ(problems_of_file("/"), "/: expected a configuration file, found a folder");
}

TEST(LoadConfig, CallsTheFileByItsPath) {
  const TempDir folder;
  const auto path = folder.write_file("run.yaml", "train: {steps: 7}\n");
  EXPECT_EQ(load_config<SampleConfig>(path).train.steps, 7);
  folder.write_file("run.yaml", "trian: {}\n");
  EXPECT_EQ(problems_of_file(path), path + ":1:1: trian: unknown key (did you mean 'train'?)");
}

}  // namespace
}  // namespace moe

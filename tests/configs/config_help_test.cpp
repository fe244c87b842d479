#include <gtest/gtest.h>

#include <sstream>

#include "configs/utf8.h"
#include "tests/configs/sample_config.h"

namespace moe {
namespace {

std::string help_of(const std::string& section) {
  SampleConfig config;
  return help_config(view_of(config), section);
}

std::string problem_of(const std::string& section) {
  try {
    help_of(section);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(HelpConfig, ShowsDefaultsTypesAndMeaning) {
  EXPECT_EQ(
      help_of("train"),
      "train:                            # the training\n"
      "  steps: 1000                     # an integer: optimizer steps\n"
      "  lr: 0.001                       # a number above 0: learning rate\n"
      "  decay: 0.1                      # a number at least 0 and below 1: weight decay\n"
      "  shuffle: true                   # true or false: whether windows come in random order\n");
}

TEST(HelpConfig, ShowsEveryKindWithItsOwnKeys) {
  EXPECT_EQ(
      help_of("model.moe.gate"),
      "model.moe.gate:                   # which expert sees which token\n"
      "  kind: soft                      # soft, step or fixed\n"
      "  # kind: soft                    # softmax over the experts\n"
      "  k: 2                            # an integer at least 1: experts per token\n"
      "  noise: 0                        # a number at least 0: standard deviation of the noise\n"
      "  # kind: step                    # smooth steps\n"
      "  k: 4                            # an integer at least 1: selectors per token\n"
      "  gamma: 1                        # a number above 0: width of the smooth step\n"
      "  entropy: true                   # true or false: whether selectors are pushed to decide\n"
      "  # kind: fixed                   # round robin\n");
  EXPECT_EQ(help_of("model.moe.gate.kind"), help_of("model.moe.gate"));
}

TEST(HelpConfig, OneKey) {
  EXPECT_EQ(help_of("train.lr"),
            "train.lr: 0.001                   # a number above 0: learning rate\n");
  EXPECT_EQ(help_of("model.moe.gate.k"),
            "# kind: soft\n"
            "model.moe.gate.k: 2               # an integer at least 1: experts per token\n"
            "# kind: step\n"
            "model.moe.gate.k: 4               # an integer at least 1: selectors per token\n");
}

TEST(HelpConfig, AllFitsTheWidthAndNamesEveryKey) {
  const std::string help = help_of("");
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
  for (const char* key : {"name", "files", "width", "experts", "gamma", "variants", "moe: none"}) {
    EXPECT_NE(help.find(key), std::string::npos) << key;
  }
}

struct Wordy {
  std::string a_key_with_a_long_name = std::string(40, 'v');
  void fields(Fields& f) {
    f("a_key_with_a_long_name", a_key_with_a_long_name,
      "a meaning that takes more than one line to tell, because it has been thought about for "
      "long");
  }
  void check(Rules&) const {}
};

// Two keys that take the same kinds.
struct TwoGates {
  KindChoice first{sample_gates(), "soft"}, second{sample_gates(), "fixed"};
  void fields(Fields& f) {
    f("first", first, "one");
    f("second", second, "another");
  }
  void check(Rules&) const {}
};

TEST(HelpConfig, ExplainsAKindOnce) {
  TwoGates config;
  const std::string second =
      "second:                           # another\n"
      "  kind: fixed                     # soft, step or fixed\n";
  const auto all = help_config(view_of(config), "");
  ASSERT_NE(all.find(second), std::string::npos) << all;
  EXPECT_EQ(all.substr(all.find(second) + second.size()),
            "  # other kinds                   # have the keys they have in first\n");
  EXPECT_NE(help_config(view_of(config), "second").find("# kind: step"), std::string::npos)
      << "asked for alone it is whole";
}

TEST(HelpConfig, WrapsLongMeanings) {
  Wordy config;
  EXPECT_EQ(help_config(view_of(config), ""),
            "a_key_with_a_long_name: " + std::string(40, 'v') +
                "\n"
                "                                  # a text: a meaning that takes more than one "
                "line to tell, because\n"
                "                                  # it has been thought about for long\n");
}

TEST(HelpConfig, UnknownSections) {
  EXPECT_EQ(problem_of("trian"),
            "--help-config trian: no key 'trian' in the configuration (did you mean 'train'?)");
  EXPECT_EQ(problem_of("model.moe.gate.gama"),
            "--help-config model.moe.gate.gama: no key 'gama' in model.moe.gate (did you mean "
            "'gamma'?)");
  EXPECT_EQ(problem_of("sweep.zzzzzzz"),
            "--help-config sweep.zzzzzzz: no key 'zzzzzzz' in sweep: expected variants or seeds");
  EXPECT_EQ(problem_of("train.lr.x"),
            "--help-config train.lr.x: no key 'x' in train.lr: it has none");
  EXPECT_EQ(problem_of("train."),
            "--help-config train.: no key '' in train: expected steps, lr, decay or shuffle");
}

}  // namespace
}  // namespace moe

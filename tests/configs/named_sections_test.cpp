#include <gtest/gtest.h>

#include "tests/configs/sample_config.h"

namespace moe {
namespace {

SampleMixture parse(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return parse_config<SampleMixture>(text, "c.yaml", overrides);
}

std::string problem(const std::string& text, const std::vector<std::string>& overrides = {}) {
  try {
    parse(text, overrides);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

// "wiki 2 soft, code 1 step"
std::string shown(const SampleMixture& config) {
  std::string text;
  for (const auto& [name, source] : config.data.sources) {
    text += (text.empty() ? "" : ", ") + name + " " + std::to_string(int(source.weight)) + " " +
            source.gate.kind;
  }
  return text;
}

constexpr const char kTwo[] =
    "data:\n"
    "  sources:\n"
    "    wiki: {files: [a.txt, b.txt], weight: 2}\n"
    "    code: {files: c.txt, gate: {kind: step, k: 7}}\n";

TEST(NamedSections, ComeInTheOrderOfTheFileEachFromItsDefaults) {
  const auto config = parse(kTwo);
  EXPECT_EQ(shown(config), "wiki 2 soft, code 1 step");
  EXPECT_EQ(config.data.sources[0].second.files, (std::vector<std::string>{"a.txt", "b.txt"}));
  EXPECT_EQ(config.data.sources[1].second.files, (std::vector<std::string>{"c.txt"}));
  EXPECT_TRUE(parse("data: {sources: {}}\n").data.sources.empty());
}

TEST(NamedSections, GivenOnesReplaceTheDefaultOnes) {
  SampleMixture config;
  config.data.sources.emplace_back("by default", SampleSource{});
  read_config("data: {sources: {a: {files: x}}}", "c.yaml", {}, view_of(config));
  EXPECT_EQ(shown(config), "a 1 soft");
}

TEST(NamedSections, DoNotShareAChoice) {
  const auto config = parse("data: {sources: {a: {files: x}, b: {files: y, gate: {k: 9}}}}\n");
  const auto k = [&](size_t i) {
    return static_cast<const SoftGate&>(*config.data.sources[i].second.gate.config).k;
  };
  EXPECT_EQ(k(0), 2);
  EXPECT_EQ(k(1), 9);
}

TEST(NamedSections, ReadWhatTheyPrint) {
  auto config = parse(kTwo, {"data.sources.on.files=n", "data.sources.2.files=x"});
  const auto printed = print_config(view_of(config));
  auto again = parse(printed);
  EXPECT_EQ(print_config(view_of(again)), printed);
  EXPECT_EQ(shown(again), "wiki 2 soft, code 1 step, on 1 soft, 2 1 soft");
  EXPECT_NE(printed.find("\n    \"on\":\n      files: [\"n\"]\n"), std::string::npos) << printed;
  SampleMixture none;
  EXPECT_EQ(print_config(view_of(none)), "data:\n  sources: {}\n");
}

TEST(NamedSections, FlattenToFullKeysAndTheirOrder) {
  auto config = parse(kTwo);
  const auto leaves = flatten_config(view_of(config));
  ASSERT_EQ(leaves.size(), 1 + 2 + 3 + 2 + 4u);
  EXPECT_EQ(leaves[0], std::make_pair(std::string("data.sources"), std::string("{wiki, code}")));
  EXPECT_EQ(leaves[2], std::make_pair(std::string("data.sources.wiki.weight"), std::string("2")));
  EXPECT_EQ(leaves.back().first, "data.sources.code.gate.entropy");
}

TEST(NamedSections, OverridesChangeAddReplaceAndLeaveOut) {
  EXPECT_EQ(shown(parse(kTwo, {"data.sources.wiki.weight=5"})), "wiki 5 soft, code 1 step");
  EXPECT_EQ(shown(parse(kTwo, {"data.sources.new.files=n"})),
            "wiki 2 soft, code 1 step, new 1 soft");
  EXPECT_EQ(shown(parse(kTwo, {"data.sources={one: {files: n}}"})), "one 1 soft");
  EXPECT_EQ(shown(parse(kTwo, {"data.sources.wiki=none"})), "code 1 step");
  EXPECT_EQ(shown(parse(kTwo, {"data.sources.wiki=none", "data.sources.wiki.files=n"})),
            "wiki 1 soft, code 1 step");
  EXPECT_EQ(shown(parse("{}", {"data.sources.a.files=n", "data.sources.a.weight=3"})), "a 3 soft");
}

TEST(NamedSections, AKindInsideReplacesItsSection) {
  const auto config = parse(kTwo, {"data.sources.code.gate.kind=soft"});
  EXPECT_EQ(shown(config), "wiki 2 soft, code 1 soft");  // k: 7 went with the former kind
  EXPECT_EQ(static_cast<const SoftGate&>(*config.data.sources[1].second.gate.config).k, 2);
}

TEST(NamedSections, ErrorsNameTheFullKeyAndThePlace) {
  EXPECT_EQ(problem("data:\n  sources:\n    wiki: {files: a, weight: -1}\n    code: {wieght: 2}\n"),
            "c.yaml:3:30: data.sources.wiki.weight: expected a number above 0, found '-1'\n"
            "c.yaml:4:12: data.sources.code.wieght: unknown key (did you mean 'weight'?)");
  EXPECT_EQ(problem("data: {sources: {a: {}, a: {}}}\n"),
            "c.yaml:1:25: data.sources.a: expected every key once, found it again: it is also on "
            "line 1");
  EXPECT_EQ(problem("data: {sources: {a: x.txt, b: }}\n"),
            "c.yaml:1:21: data.sources.a: expected none or a mapping of keys, found 'x.txt'\n"
            "c.yaml:1:28: data.sources.b: expected none or a mapping of keys, found nothing");
  EXPECT_EQ(problem("data: {sources: [a.txt]}\n"),
            "c.yaml:1:17: data.sources: expected named mappings of keys, found a list");
  EXPECT_EQ(problem("weight: 2\n"),
            "c.yaml:1:1: weight: unknown key (did you mean 'data.sources.<name>.weight'?)");
  EXPECT_EQ(problem(kTwo, {"data.sources.wiki.gate.k=x"}),
            "override 'data.sources.wiki.gate.k=x': data.sources.wiki.gate.k: expected an integer "
            "at least 1, found 'x'");
}

TEST(NamedSections, RulesKnowWhereTheyWereBroken) {
  EXPECT_EQ(problem("data:\n  sources:\n    a: {files: x}\n    b: {weight: 2}\n    c:\n"
                    "      files: []\n"),
            "c.yaml:4:5: data.sources.b.files: expected at least one file, found none\n"
            "c.yaml:6:7: data.sources.c.files: expected at least one file, found none");
}

TEST(NamedSections, NamesThatDottedKeysCannotHoldAreRefused) {
  for (const char* name : {"a.b", "a b", "a=b", "a\\tb", "a\\x01b", "a\\x7fb", "\\n"}) {
    const auto said = problem("data: {sources: {\"" + std::string(name) + "\": {files: x}}}\n");
    EXPECT_NE(said.find("expected a name without dots, blanks, '=' and control characters, found"),
              std::string::npos)
        << name << ": " << said;
  }
  EXPECT_EQ(problem("data: {sources: {'a.b': {files: x}}}\n"),
            "c.yaml:1:18: data.sources.a.b: expected a name without dots, blanks, '=' and control "
            "characters, found 'a.b'");
  EXPECT_NE(problem("data: {sources: {'': {files: x}}}\n"), "");
  EXPECT_EQ(problem("data: {sources: {W\xC3\xB6rter-1_x: {files: x}}}\n"), "");
}

TEST(NamedSections, HelpShowsAnyName) {
  SampleMixture config = parse(kTwo);  // what was read does not matter
  EXPECT_EQ(help_config(view_of(config), "data.sources"),
            "data.sources:                     # named mappings of keys: several texts\n"
            "  <name>:                         # none or a mapping of keys: as many as you like, "
            "under names of\n"
            "                                  # your own; none leaves one out\n"
            "    files: []                     # a list of texts: text files\n"
            "    weight: 1                     # a number above 0: share\n"
            "    gate:                         # any choice\n"
            "      kind: soft                  # soft, step or fixed\n"
            "      # kind: soft                # softmax over the experts\n"
            "      k: 2                        # an integer at least 1: experts per token\n"
            "      noise: 0                    # a number at least 0: standard deviation of the "
            "noise\n"
            "      # kind: step                # smooth steps\n"
            "      k: 4                        # an integer at least 1: selectors per token\n"
            "      gamma: 1                    # a number above 0: width of the smooth step\n"
            "      entropy: true               # true or false: whether selectors are pushed to "
            "decide\n"
            "      # kind: fixed               # round robin\n");
  for (const char* name : {"<name>", "wiki"}) {
    const std::string key = "data.sources." + std::string(name) + ".weight";
    EXPECT_EQ(help_config(view_of(config), key).substr(0, key.size() + 3), key + ": 1");
  }
  try {
    help_config(view_of(config), "data.sources.wiki.wait");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "--help-config data.sources.wiki.wait: no key 'wait' in data.sources.wiki: "
                 "expected files, weight or gate");
  }
}

}  // namespace
}  // namespace moe

// What of YAML is refused, by the exact words.
#include <gtest/gtest.h>

#include "tests/configs/sample_config.h"

namespace moe {
namespace {

TEST(Yaml, NothingMeansEveryDefault) {
  const std::string defaults = print_sample({});
  for (const char* text : {"", "\n", "# only a comment\n", "{}", "\xEF\xBB\xBF"}) {
    EXPECT_EQ(print_sample(parse_sample(text)), defaults) << text;
  }
}

TEST(Yaml, WindowsLineEndsAndAByteOrderMarkAreTaken) {
  EXPECT_EQ(parse_sample("\xEF\xBB\xBFname: x\r\ntrain:\r\n  steps: 5\r\n").train.steps, 5);
  EXPECT_EQ(problems_of("\xEF\xBB\xBFnam: x\n"),
            "c.yaml:1:1: nam: unknown key (did you mean 'name'?)");
}

TEST(Yaml, DuplicateKeysNameBothLines) {
  EXPECT_EQ(
      problems_of("train:\n  steps: 1\n  lr: 1\n  steps: 2\n"),
      "c.yaml:4:3: train.steps: expected every key once, found it again: it is also on line 2");
  EXPECT_EQ(problems_of("name: a\n'name': b\n"),
            "c.yaml:2:1: name: expected every key once, found it again: it is also on line 1");
}

TEST(Yaml, MergeKeysAreRefused) {
  EXPECT_EQ(problems_of("train:\n  <<: {steps: 5}\n"),
            "c.yaml:2:3: train.<<: merge keys (<<) are not supported: write the keys out");
}

TEST(Yaml, AnchorsAndAliasesAreRefused) {
  const std::string refused =
      "anchors (&) and aliases (*) are not supported: write the value out, and quote a text that "
      "starts with one of these";
  EXPECT_EQ(problems_of("name: &a x\nfiles: [*a]\n"),
            "c.yaml:1:7: name: " + refused + "\nc.yaml:2:9: files[0]: " + refused);
  EXPECT_EQ(problems_of("files: &x [*x]\n"),
            "c.yaml:1:8: files: " + refused + "\nc.yaml:1:12: files[0]: " + refused);
  EXPECT_EQ(problems_of("files: *.txt\n"),
            "c.yaml:1:8: expected a value: quote a text that starts with '*' or '&'");
}

TEST(Yaml, TagsAreRefused) {
  const std::string refused =
      "tags (!) are not supported: leave it out, and quote a text that starts with '!'";
  EXPECT_EQ(problems_of("name: !!str 5\n"), "c.yaml:1:7: name: " + refused);
  EXPECT_EQ(problems_of("name: ! 5\n"), "c.yaml:1:7: name: " + refused);
  EXPECT_EQ(problems_of("train: !x {steps: 1}\n"), "c.yaml:1:8: train: " + refused);
}

TEST(Yaml, OneDocumentOfKeys) {
  EXPECT_EQ(problems_of("name: a\n---\nname: b\n"),
            "c.yaml:2:1: expected one document, found more after its end");
  EXPECT_EQ(problems_of("{name: a} b\n"),
            "c.yaml:1:11: expected one document, found more after its end");
  EXPECT_EQ(problems_of("- a\n"),
            "c.yaml:1:1: expected a mapping such as 'key: value', found a list");
  EXPECT_EQ(problems_of("name:x\n"),
            "c.yaml:1:1: expected a mapping such as 'key: value', found 'name:x'");
}

TEST(Yaml, KeysAreWords) {
  EXPECT_EQ(problems_of("? [a, b]\n: 1\n"), "c.yaml:1:3: expected a word as key, found a list");
  EXPECT_EQ(problems_of("train: {~: 1, '': 2}\n"),
            "c.yaml:1:9: train: expected a word as key, found nothing\n"
            "c.yaml:1:15: train.: expected a word as key, found ''");
  EXPECT_EQ(problems_of(std::string(101, 'k') + ": 1\n"),
            "c.yaml:1:1: " + std::string(101, 'k') +
                ": expected a key of at most 100 bytes, found '" + std::string(60, 'k') + "...'");
}

TEST(Yaml, NestingIsLimited) {
  std::string deep = "files: ";
  EXPECT_EQ(problems_of(deep + std::string(31, '[') + std::string(31, ']')).find("levels"),
            std::string::npos);
  std::string place = "files";
  for (int i = 0; i < 31; ++i) place += "[0]";
  EXPECT_EQ(problems_of(deep + std::string(32, '[') + std::string(32, ']')),
            "c.yaml:1:39: " + place + ": expected at most 32 levels of nesting, found more");
  // As deep as would overflow the stack of a careless reader.
  EXPECT_NE(problems_of(std::string(500000, '[')).find("32 levels"), std::string::npos);
  EXPECT_NE(problems_of(std::string(500000, '{')), "");
}

// Rules compare entries in pairs: 60 000 of them, in a file of the right size, took minutes.
TEST(Yaml, NamesAreLimited) {
  std::string names;
  for (int i = 0; i < 1024; ++i) names += "n" + std::to_string(i) + ": [], ";
  EXPECT_EQ(problems_of("sweep: {variants: {" + names + "}}\n"), "");
  EXPECT_EQ(problems_of("sweep: {variants: {" + names + "more: []}}\n"),
            "c.yaml:1:19: sweep.variants: expected at most 1024 entries, found 1025");
}

TEST(Yaml, SizeIsLimited) {
  const std::string large = "name: x\n" + std::string(1 << 20, '#');
  EXPECT_EQ(problems_of(large),
            "c.yaml: expected at most 1048576 bytes of configuration, found more: is this the "
            "right file?");
  EXPECT_EQ(problems_of(large.substr(0, 1 << 20)), "");
}

TEST(Yaml, BytesThatAreNoTextAreRefused) {
  EXPECT_EQ(problems_of("name: é\xff\n"),
            "c.yaml:1:8: expected UTF-8 text, found the byte \\xff: save the file as UTF-8");
  // yaml-cpp takes \x04 for the end: without this the rest of the file would be dropped unseen.
  EXPECT_EQ(problems_of("name: x\n\x04\ntrain: {steps: 1}\n"),
            "c.yaml:2:1: expected text, found the control character \\x04: write it as an escape "
            "in double quotes");
  EXPECT_EQ(problems_of(std::string("a\0b", 3)),
            "c.yaml:1:2: expected text, found the control character \\x00: write it as an escape "
            "in double quotes");
}

TEST(Yaml, TabsAreRefusedAsIndentation) {
  EXPECT_EQ(problems_of("train:\n\tsteps: 1\n \tlr: 1\n"),
            "c.yaml:2:1: expected spaces as indentation, found a tab\n"
            "c.yaml:3:2: expected spaces as indentation, found a tab");
  EXPECT_EQ(parse_sample("train:\t# the training\n  steps:\t5\n").train.steps, 5);
}

TEST(Yaml, SyntaxErrorsSayWhatToLookFor) {
  EXPECT_EQ(problems_of("name: a: b\n"),
            "c.yaml:1:8: expected no ':' here: quote a text that holds ': ', write a space after "
            "the ':' of every key, and check the indentation");
  EXPECT_EQ(problems_of("files: [a, b\n"),
            "c.yaml:2:1: expected ',' or ']': check the "
            "indentation, and that brackets and quotes are closed");
  EXPECT_EQ(problems_of("name: @x\n"),
            "c.yaml:1:7: expected a value: quote a text that starts with a "
            "special character");
  EXPECT_EQ(problems_of("name: 'x\ntrain: {steps: 1}\n"),
            "c.yaml:1:7: name: expected a closing ', found the end of the text");
  EXPECT_EQ(problems_of("name: \"x\\\"\n"),
            "c.yaml:1:7: name: expected a closing \", found the end of the text");
  EXPECT_EQ(
      problems_of("train:\n    lr: 1\n  steps: 2\n"),
      "c.yaml:3:3: expected another key or the end of the mapping: check the indentation, and "
      "that brackets and quotes are closed");
  EXPECT_EQ(problems_of("files: - a\n"),
            "c.yaml:1:8: expected no '- ' here: a list begins on a line of its own");
  EXPECT_EQ(problems_of("name: \"\\q\"\n"),
            "c.yaml:1:10: expected YAML, found: unknown escape character: q");
  EXPECT_EQ(problems_of("name: 'x"),
            "c.yaml:1:9: expected a closing quote, found the end of the text");
  EXPECT_EQ(problems_of("name: 'it''s'\n"), "");
}

TEST(Yaml, ColumnsCountCharacters) {
  EXPECT_EQ(problems_of("{name: 漢字, stepz: 1}\n").substr(0, 13), "c.yaml:1:12: ");
}

}  // namespace
}  // namespace moe

#include "configs/yaml_text.h"

#include <gtest/gtest.h>

#include <random>

#include "configs/utf8.h"
#include "configs/yaml_tree.h"

namespace moe {
namespace {

TEST(YamlText, IsPlainWhereNothingCanBeMistaken) {
  for (const char* text : {"cosine", "top_k", "/data/a-b.txt", "./x", "model.moe=none", "a*b"}) {
    EXPECT_EQ(yaml_text(text), text);
  }
}

TEST(YamlText, QuotesWhatCouldBeSomethingElse) {
  for (const char* text :
       {"",   "true", "No",    "null", "~",  "none", "auto", "5",  "1e5",  "-x",
        ".5", ".inf", "*.txt", "&a",   "!t", "a b",  " a",   "a ", "a: b", "a #b",
        "[a", "{",    "a,b",   "%x",   "@x", "- a",  "?",    "|",  ">",    "'"}) {
    EXPECT_EQ(yaml_text(text), std::string("\"").append(text).append("\""));
  }
  EXPECT_EQ(yaml_text("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(yaml_text("a\nb\tc\r"), "\"a\\nb\\tc\\x0d\"");
  EXPECT_EQ(yaml_text(std::string("\0\x04\x7f", 3)), "\"\\x00\\x04\\x7f\"");
  EXPECT_EQ(yaml_text("é"), "\"é\"");
  EXPECT_EQ(yaml_text("\xff\x80"), "\"\\U0010FFFF\\U0010FF80\"");
}

// The text that yaml-cpp and the tree make of what was printed.
std::string read_back(const std::string& yaml) {
  Problems problems("text", {});
  const Node root = parse_yaml_file("k: " + yaml + "\n", problems);
  problems.throw_if_any();
  return stand_ins_to_bytes(root.children.at(0).text);
}

TEST(YamlText, ReadsBackAsItWasWhateverTheBytes) {
  const std::string pieces[] = {
      "a",      "Z",      "0",      " ",      "\n",         "\r",         "\t",
      "\"",     "'",      "\\",     ":",      "#",          "-",          "{",
      "]",      ",",      "*",      "&",      "!",          "%",          "é",
      "漢",     "😀",      "\xff",   "\x80",   "\xc3",       "\x04",       "\x7f",
      "\u0085", "\u2028", "\ufeff", "\uffff", "\U0010FF80", "\U0010FFFF", std::string(1, '\0')};
  std::mt19937 random(1);
  for (int i = 0; i < 3000; ++i) {
    std::string text;
    for (unsigned n = random() % 8; n > 0; --n) text += pieces[random() % std::size(pieces)];
    ASSERT_EQ(read_back(yaml_text(text)), text) << yaml_text(text);
  }
}

TEST(StandIns, CarryEveryByte) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text(1, static_cast<char>(byte));
    const std::string carried = bytes_to_stand_ins(text);
    EXPECT_EQ(decode_utf8(carried, 0).length, carried.size()) << byte;
    EXPECT_EQ(stand_ins_to_bytes(carried), text) << byte;
  }
}

TEST(DecodeUtf8, RefusesWhatIsNot) {
  for (const char* text :
       {"\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80",
        "\xf4\x90\x80\x80", "\xf0\x80\x80\x80", "\xe2\x28\xa1"}) {
    EXPECT_EQ(decode_utf8(text, 0).length, 0u) << visible(text);
  }
  EXPECT_EQ(decode_utf8("€", 0).value, 0x20ACu);
}

TEST(Visible, IsOneLineOfLimitedLength) {
  EXPECT_EQ(visible("a\nb\t\x01\xff é"), "a\\nb\\t\\x01\\xff é");
  EXPECT_EQ(visible(std::string(100, 'x')), std::string(60, 'x') + "...");
}

}  // namespace
}  // namespace moe

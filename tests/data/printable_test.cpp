#include "data/printable.h"

#include <gtest/gtest.h>

namespace moe {
namespace {

TEST(Printable, KeepsTextNewlinesAndTabs) {
  const std::string text = "plain\n\ttext, \xc3\xa9, \xe2\x82\xac, \xf0\x9f\x98\x80, 'x'\\";
  EXPECT_EQ(printable(text), text);
}

TEST(Printable, EscapesWhatIsNotUtf8) {
  EXPECT_EQ(printable("a\xff"), "a\\xff");
  EXPECT_EQ(printable("\xc3"), "\\xc3") << "cut off";
  EXPECT_EQ(printable("\xc3("), "\\xc3(") << "a wrong second byte must not be swallowed";
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf") << "overlong";
  EXPECT_EQ(printable("\xe0\x80\x80"), "\\xe0\\x80\\x80") << "overlong";
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "a surrogate";
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "above U+10FFFF";
}

TEST(Printable, EscapesWhatATerminalWouldObey) {
  EXPECT_EQ(printable("\x1b[2J\x07\r\x7f"), "\\x1b[2J\\x07\\x0d\\x7f");
  EXPECT_EQ(printable(std::string("\0", 1)), "\\x00");
  EXPECT_EQ(printable("\xc2\x9b"
                      "2J"),
            "\\xc2\\x9b2J")
      << "C1: one-character escape sequence";
  EXPECT_EQ(printable("\xc2\xa0"), "\xc2\xa0") << "U+00A0, just above C1";
}

TEST(Printable, QuotesOnOneLine) { EXPECT_EQ(in_quotes("a\n\xff"), "'a\\n\\xff'"); }

}  // namespace
}  // namespace moe

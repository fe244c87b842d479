#include "train/text_table.h"

#include <gtest/gtest.h>

namespace moe {
namespace {

TEST(TextTable, AlignsByCharactersNotBytes) {
  const TextTable table{{"name", "x"}, {{"é", "1 ± 2"}, {"long name", ""}}};
  EXPECT_EQ(table.plain(),
            "name           x\n"
            "é          1 ± 2\n"
            "long name\n");
}

TEST(TextTable, GoesOnBelowWhereItIsTooWide) {
  const TextTable table{{"a", "bb", "cc", "dd"}, {{"1", "2", "3", "4"}}};
  EXPECT_EQ(table.plain(9), "a  bb  cc\n1   2   3\n\na  dd\n1   4\n");
  EXPECT_EQ(table.plain(8), "a  bb\n1   2\n\na  cc\n1   3\n\na  dd\n1   4\n");
  EXPECT_EQ(table.plain(13), "a  bb  cc  dd\n1   2   3   4\n");
  EXPECT_EQ(table.plain(1), "a  bb\n1   2\n\na  cc\n1   3\n\na  dd\n1   4\n");
}

TEST(TextTable, Markdown) {
  const TextTable table{{"a|b", "c"}, {{"1", "2"}}};
  EXPECT_EQ(table.markdown(), "| a\\|b | c |\n|---|---:|\n| 1 | 2 |\n");
}

}  // namespace
}  // namespace moe

#include "gates/hash_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "configs/errors.h"
#include "gates/hash_tables.h"
#include "gates/python_random.h"
#include "tests/support/gates.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<uint32_t> drawn(uint64_t seed, uint32_t n, int count) {
  PythonRandom random(seed);
  std::vector<uint32_t> numbers;
  for (int i = 0; i < count; ++i) numbers.push_back(random.randrange(n));
  return numbers;
}

// random.seed(s); [random.randrange(0, n) for _ in range(16)] of Python 3.
TEST(PythonRandom, DrawsPythonsNumbers) {
  EXPECT_THAT(drawn(42, 32, 16), ElementsAre(7, 1, 17, 15, 14, 8, 6, 5, 27, 2, 1, 5, 13, 14, 1, 12));
  EXPECT_THAT(drawn(42, 16, 16), ElementsAre(3, 0, 8, 7, 7, 4, 3, 2, 13, 1, 0, 2, 6, 7, 0, 6));
  EXPECT_THAT(drawn(42, 8, 16), ElementsAre(1, 0, 4, 3, 3, 2, 1, 1, 6, 0, 0, 1, 3, 3, 0, 3));
  EXPECT_THAT(drawn(42, 6, 16), ElementsAre(5, 0, 0, 5, 2, 1, 1, 1, 5, 0, 5, 5, 4, 0, 4, 3));
  EXPECT_THAT(drawn(7, 8, 16), ElementsAre(5, 2, 6, 0, 1, 1, 5, 0, 3, 0, 1, 6, 6, 1, 3, 1));
  EXPECT_THAT(drawn((uint64_t{1} << 40) + 3, 5, 16),
              ElementsAre(1, 0, 4, 0, 4, 2, 3, 1, 3, 4, 4, 2, 2, 4, 2, 2));
  EXPECT_EQ(drawn(42, 1, 1000), std::vector<uint32_t>(1000, 0));
}

// The 2000th number: past the first refill of the 624 words.
TEST(PythonRandom, GoesOnAfterItsFirstWords) {
  const auto numbers = drawn(42, 1u << 31, 2000);
  EXPECT_EQ(numbers.front(), 478163327u);
  EXPECT_EQ(numbers.back(), 1616884203u);
}

TEST(HashTables, SeveralExpertsOfAnIdDiffer) {
  const auto one = random_table(100, 8, 1, 42), three = random_table(100, 8, 3, 42);
  for (size_t id = 0; id < 100; ++id) {
    EXPECT_EQ(three[3 * id], one[id]) << "the first is the published one";
    EXPECT_EQ(std::set<int64_t>(&three[3 * id], &three[3 * id] + 3).size(), 3u);
  }
  std::vector<int64_t> load(8);
  for (const auto expert : three) ++load.at(static_cast<size_t>(expert));
  EXPECT_GT(*std::min_element(load.begin(), load.end()), 20);  // 37.5 on average
  const auto all = random_table(50, 4, 4, 7);
  for (size_t id = 0; id < 50; ++id) {
    EXPECT_EQ(std::set<int64_t>(&all[4 * id], &all[4 * id] + 4).size(), 4u);
  }
}

TEST(HashTables, BalancedGivesTheNextMostFrequentToTheLeastLoaded) {
  // In order 9 -> 0, 7 -> 1, 6 -> 2, 4 -> 2 (10), 2 -> 1 (9), 1 -> 0 (10 with 9); of three idle ones
  // each expert gets one, those with fewer ids first.
  EXPECT_THAT(balanced_table({4, 9, 1, 7, 2, 6}, 3, 1), ElementsAre(2, 0, 0, 1, 1, 2));
  EXPECT_THAT(balanced_table({5, 0, 0, 0, 5}, 2, 1), ElementsAre(0, 0, 1, 0, 1));
  // By count alone, all that were never seen would go to expert 1.
  EXPECT_THAT(balanced_table({5, 0, 0, 0, 4}, 2, 1), ElementsAre(0, 1, 0, 1, 1));
  EXPECT_THAT(balanced_table({3, 2, 2}, 3, 2), ElementsAre(0, 1, 2, 0, 2, 1));
}

struct Frequencies : testing::Test {
  TempDir dir;
  std::string path = dir.path() + "/counts.txt";

  void write(const std::string& text) { std::ofstream(path) << text; }
  std::string problem() {
    try {
      read_frequencies(path, 7);
    } catch (const RunError& error) {
      return error.what();
    }
    return "none";
  }
};

TEST_F(Frequencies, AreReadInAnyOrder) {
  write("# bytes of a text\n3 12\r\n\n  0\t5  \n6 0");
  EXPECT_THAT(read_frequencies(path, 7), ElementsAre(5, 0, 0, 12, 0, 0, 0));
}

TEST_F(Frequencies, MistakesAreNamedWithTheirLine) {
  EXPECT_THAT(problem(), testing::AllOf(HasSubstr("counts.txt'"), HasSubstr("cannot be opened")));
  for (const std::string line : {"7 1", "-1 1", "2 -1", "2", "2 3 4", "x 3", "2 3.5", "23",
                                 "99999999999999999999 1", "2 99999999999999999999"}) {
    write("1 1\n" + line + "\n");
    EXPECT_THAT(problem(), HasSubstr("counts.txt:2: expected 'ID COUNT', a token id from 0 to 6 and "
                                     "how often it occurs, found '" + line + "'"));
  }
  write("1 1\n2 1\n1 4\n");
  EXPECT_THAT(problem(), HasSubstr("counts.txt:3: token id 1 is there already"));
  write("1 0\n");
  EXPECT_THAT(problem(), HasSubstr("found none with a count above 0"));
  path = dir.path();
  EXPECT_THAT(problem(), HasSubstr("not a regular file"));
}

TEST_F(Frequencies, MakeTheGatesTable) {
  write("0 4\n1 9\n2 1\n3 7\n4 2\n5 6\n");
  const auto choice = parse_gate("{kind: hash, table: balanced, frequencies: '" + path + "'}");
  const auto gate = make_gate(choice, {8, 3, 6}, Initializer(1));
  TestBatch batch(1, 6, 8, at::kFloat);
  const auto routing = gate->forward(batch.input());
  EXPECT_TRUE(near(routing.expert.squeeze(1), longs({2, 0, 0, 1, 1, 2}), 0));
  // Shapes alone find a missing file, a checkpoint's model does not look for it.
  path += ".gone";
  const auto gone = parse_gate("{kind: hash, table: balanced, frequencies: '" + path + "'}");
  EXPECT_THROW(make_gate(gone, {8, 3, 6}, Initializer(1, at::kFloat, at::kMeta)), RunError);
  EXPECT_NO_THROW(make_gate(gone, {8, 3, 6}, Initializer(1).for_loading()));
}

TEST(HashGate, SendsATokenWhereTheTableSaysWithWeightOne) {
  const auto gate = make_gate(parse_gate("hash"), {8, 8, 16}, Initializer(1));
  TestBatch batch(1, 16, 8, at::kFloat);
  batch.context.token_ids = at::arange(16, at::kLong).view({1, 16});
  const auto routing = gate->forward(batch.input());
  EXPECT_TRUE(near(routing.expert.squeeze(1), longs({1, 0, 4, 3, 3, 2, 1, 1, 6, 0, 0, 1, 3, 3, 0, 3}), 0));
  EXPECT_TRUE(near(routing.weight, at::ones({16, 1}), 0));
  EXPECT_TRUE(gate->parameters().empty());
  const auto two = make_gate(parse_gate("{kind: hash, k: 2}"), {8, 8, 16}, Initializer(1));
  EXPECT_TRUE(near(two->forward(batch.input()).weight, at::full({16, 2}, 0.5), 0));
}

TEST(HashGate, KnobsThatDoNothingAreRefused) {
  const auto problem = [](const std::string& yaml) -> std::string {
    try {
      parse_gate(yaml);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "none";
  };
  EXPECT_THAT(problem("{kind: hash, table: balanced}"),
              HasSubstr("gate.frequencies: table: balanced needs a file"));
  EXPECT_THAT(problem("{kind: hash, frequencies: f.txt}"),
              HasSubstr("gate.frequencies: is for table: balanced alone"));
}

}  // namespace
}  // namespace moe

// Whole tensors out of parts in several files, and what does not make whole ones.
#include "data/formats/safetensors_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <stdexcept>

#include "configs/errors.h"
#include "tests/support/temp_dir.h"

namespace moe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Shape = std::vector<int64_t>;

// A stored tensor; its values count on from `first`.
struct Stored {
  std::string name;
  Shape shape;
  float first = 0;
  Dtype dtype = Dtype::kF32;
};

class SafetensorsSetTest : public testing::Test {
 protected:
  // One file for each list, opened as a set.
  SafetensorsSet open(const std::vector<std::vector<Stored>>& files) const {
    TempDir folder;
    std::vector<std::string> paths;
    for (const auto& tensors : files) {
      std::vector<std::vector<float>> values;
      std::vector<TensorData> data;
      for (const auto& [name, shape, first, dtype] : tensors) {
        const auto elements = std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
        auto& of_tensor = values.emplace_back(2 * elements);  // enough for any dtype
        std::iota(of_tensor.begin(), of_tensor.end(), first);
        data.push_back({name, dtype, shape, of_tensor.data()});
      }
      paths.push_back(folder.file(std::to_string(paths.size())));
      write_safetensors(paths.back(), data);
    }
    return SafetensorsSet("the set", paths);  // the files are held open
  }
  std::string refusal(const std::vector<std::vector<Stored>>& files) const {
    return message_of<RunError>([&] { open(files); });
  }
  static std::vector<float> read(const SafetensorsSet& set, int64_t begin, int64_t count) {
    std::vector<float> values(static_cast<size_t>(count));
    set.read("x", begin, count, values.data());
    return values;
  }
};

TEST_F(SafetensorsSetTest, OneFileOfWholeTensorsIsWhatItWas) {
  const auto set = open({{{"x", {2, 3}, 10}, {"none", {0, 4}}, {"scalar", {}, 7}}});
  EXPECT_EQ(set.tensors().size(), 3u);
  const auto& x = set.tensors().at("x");
  EXPECT_EQ(x.shape, (Shape{2, 3}));
  EXPECT_EQ(x.elements, 6);
  EXPECT_FALSE(x.flat);
  EXPECT_EQ(set.tensors().at("none").shape, (Shape{0, 4}));
  EXPECT_EQ(set.tensors().at("scalar").shape, Shape{});
  EXPECT_THAT(read(set, 0, 6), ElementsAre(10, 11, 12, 13, 14, 15));
  EXPECT_THAT(read(set, 4, 1), ElementsAre(14));
  set.read("none", 0, 0, nullptr);
}

TEST_F(SafetensorsSetTest, RowsInSeveralFilesAreOneTensor) {
  const auto set = open({{{"x[6:9]", {1, 3}, 6}, {"y", {1}}}, {{"x[0:6]", {2, 3}, 0}}, {}});
  const auto& x = set.tensors().at("x");
  EXPECT_EQ(x.shape, (Shape{3, 3}));
  EXPECT_FALSE(x.flat);
  EXPECT_EQ(set.tensors().size(), 2u);
  for (int64_t begin = 0; begin <= 9; ++begin) {
    for (int64_t count = 0; begin + count <= 9; ++count) {
      std::vector<float> expected(static_cast<size_t>(count));
      std::iota(expected.begin(), expected.end(), static_cast<float>(begin));
      EXPECT_EQ(read(set, begin, count), expected) << begin << " " << count;
    }
  }
}

TEST_F(SafetensorsSetTest, FlatPartsSayHowManyElementsAlone) {
  const auto set = open({{{"x[0:1]", {1}, 0}}, {{"x[1:5]", {4}, 1}}, {{"x[5:6]", {}, 5}}});
  const auto& x = set.tensors().at("x");
  EXPECT_TRUE(x.flat);
  EXPECT_EQ(x.elements, 6);
  EXPECT_EQ(x.shape, Shape{6});
  EXPECT_THAT(read(set, 0, 6), ElementsAre(0, 1, 2, 3, 4, 5));
  // Rows beside flat parts say the shape.
  EXPECT_EQ(open({{{"x[0:4]", {2, 2}}}, {{"x[4:6]", {2}}}}).tensors().at("x").shape, (Shape{3, 2}));
}

TEST_F(SafetensorsSetTest, HolesAndOverlapsAreRefused) {
  const std::string once = "'the set': tensor 'x': expected every element once, found ";
  EXPECT_THAT(refusal({{{"x[2:4]", {2}}}}),
              HasSubstr(once + "none of 0 to 1; the first after them is in 'x[2:4]' of '"));
  EXPECT_THAT(refusal({{{"x[0:2]", {2}}}, {{"x[3:4]", {1}}}}), HasSubstr(once + "none of 2 to 2; "));
  const std::vector<std::vector<std::vector<Stored>>> twice = {
      {{{"x[0:2]", {2}}}, {{"x[0:2]", {2}}}},
      {{{"x[0:2]", {2}}}, {{"x[1:4]", {3}}}},
      {{{"x[0:4]", {4}}}, {{"x[1:2]", {1}}}},
      {{{"x", {2}}}, {{"x", {2}}}},
      {{{"x", {0}}}, {{"x", {0}}}},
      {{{"x", {0}}}, {{"x[0:1]", {1}}}},
      {{{"x", {2}}}, {{"x[0:2]", {2}}}},
      {{{"x", {2}}}, {{"x[2:4]", {2}}}},
      {{{"x", {2}, 0}, {"x[0:1]", {1}}}},
  };
  for (const auto& files : twice) {
    EXPECT_THAT(refusal(files), HasSubstr(once + "some twice: in 'x"));
  }
}

TEST_F(SafetensorsSetTest, PartsThatDoNotFitTogetherAreRefused) {
  EXPECT_THAT(refusal({{{"x[0:2]", {2}}}, {{"x[2:4]", {2}, 0, Dtype::kF64}}}),
              HasSubstr("tensor 'x[2:4]': expected F32 as its other parts, found F64"));
  EXPECT_THAT(refusal({{{"x[0:2]", {3}}}}), HasSubstr("expected 2 elements by its name, found 3"));
  EXPECT_THAT(refusal({{{"x[0:6]", {2, 3}}}, {{"x[6:12]", {3, 2}}}}), HasSubstr("expected rows of the whole"));
  EXPECT_THAT(refusal({{{"x[0:3]", {3}}}, {{"x[3:7]", {2, 2}}}}), HasSubstr("expected rows of the whole"));
  EXPECT_THAT(refusal({{{"x[0:4]", {2, 2}}}, {{"x[4:5]", {1}}}}),
              HasSubstr("expected whole rows, found 5 elements in all parts, which 2 does not divide"));
}

TEST_F(SafetensorsSetTest, HostileNamesAreRefused) {
  for (const std::string name :
       {"x[", "x]0:1[", "[0:1]", "x[]", "x[:]", "x[0]", "x[0:]", "x[:1]", "x[1:0]", "x[0:0]", "x[-1:0]", "x[0:-1]",
        "x[+0:1]", "x[ 0:1]", "x[0:1 ]", "x[0:1]]", "x[0:1]y", "x[[0:1]", "x[0:1][0:1]", "x[0:1:2]", "x[00:1]",
        "x[0:01]", "x[0x0:1]", "x[0.0:1]", "x[0:1e0]", "x[a:b]", "x[0:9223372036854775808]",
        "x[18446744073709551615:18446744073709551616]", "x[0:99999999999999999999999999]", "x[0:\n1]", "x[0:1"}) {
    SCOPED_TRACE(name);
    EXPECT_THAT(refusal({{{name, {1}}}}), HasSubstr("a name without '[', or that of a part"));
  }
  // Well written, and more than any file holds.
  EXPECT_THAT(refusal({{{"x[0:9223372036854775807]", {1}}}}),
              HasSubstr("expected 9223372036854775807 elements by its name, found 1"));
  EXPECT_THAT(refusal({{{"x[9223372036854775806:9223372036854775807]", {1}}}}),
              HasSubstr("found none of 0 to 9223372036854775805"));
  EXPECT_EQ(open({{{"x]", {1}}}}).tensors().count("x]"), 1u) << "no part, and harmless";
}

TEST_F(SafetensorsSetTest, OnlyElementsThatAreThereAreRead) {
  const auto set = open({{{"x[0:2]", {2}}}, {{"x[2:3]", {1}}}});
  float out[4];
  for (const auto& [begin, count] : std::vector<std::pair<int64_t, int64_t>>{
           {0, 4}, {3, 1}, {-1, 1}, {0, -1}, {4, 0}, {INT64_MAX, 1}, {1, INT64_MAX}, {INT64_MAX, INT64_MAX}}) {
    EXPECT_THROW(set.read("x", begin, count, out), std::invalid_argument) << begin << " " << count;
  }
  EXPECT_THROW(set.read("y", 0, 0, out), std::invalid_argument);
  set.read("x", 3, 0, out);
}

TEST_F(SafetensorsSetTest, AFileThatIsMissingOrDamagedIsNamed) {
  TempDir folder;
  folder.write_file("bad", "no safetensors file");
  EXPECT_THAT(message_of<RunError>([&] { SafetensorsSet("s", {folder.file("none")}); }),
              HasSubstr(folder.file("none") + "': no such file"));
  EXPECT_THAT(message_of<RunError>([&] { SafetensorsSet("s", {folder.file("bad")}); }),
              HasSubstr(folder.file("bad") + "': header length"));
}

}  // namespace
}  // namespace moe

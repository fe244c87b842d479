// Heat maps of values that are no load: drawn as they are, by the colour of their ratio to the middle.
#include "train/report/heat_map.h"

#include <gmock/gmock.h>

#include <cmath>

namespace moe {
namespace {

using testing::HasSubstr;
using testing::Not;

HeatMap lifts() {
  HeatMap map;
  map.title = "Lifts";
  map.x = {0, 1};
  map.x_end = 2;
  map.columns = {"0", "1"};
  map.load = {{0.25, 0.5}, {NAN, 2}};
  map.rows = {"digit", "utf8_continuation"};
  map.values = HeatMap::Values{0.25, "a <mean>", "of all"};
  return map;
}

TEST(HeatMapOfValues, ShowsThemAsTheyAre) {
  const auto html = heat_map(lifts());
  EXPECT_THAT(html, HasSubstr("0.5 and more; 0.25 is a &lt;mean&gt;"));
  EXPECT_THAT(html, HasSubstr(R"("rows":["digit","utf8_continuation"])"));
  EXPECT_THAT(html, HasSubstr(R"("unit":"of all","load":[[25,50],[null,200]])"));
  EXPECT_THAT(html, HasSubstr(">utf8_continuation</text>"));
  // 0.25 has the middle colour, 0.5 and 2 the last, what is no number none.
  EXPECT_THAT(html, HasSubstr("fill=\"var(--h8)\" d=\"M"));
  EXPECT_THAT(html, HasSubstr("fill=\"var(--h16)\" d=\"M"));
  EXPECT_THAT(html, Not(HasSubstr("fill=\"var(--h0)\" d=\"M")));
}

TEST(HeatMapOfValues, NamesMakeRoomForThemselves) {
  auto map = lifts();
  map.rows = {"a", "b"};
  const auto narrow = heat_map(map);
  EXPECT_THAT(narrow, HasSubstr("\"box\":[46,"));
  map.rows = {"a", std::string(500, 'x')};
  const auto wide = heat_map(map);
  EXPECT_THAT(wide, HasSubstr("\"box\":[134,"));
  EXPECT_THAT(wide, HasSubstr(">" + std::string(17, 'x') + "...</text>"));
}

// A load stays relative to the fair share.
TEST(HeatMapOfValues, ALoadIsRelative) {
  auto map = lifts();
  map.values.reset();
  map.rows.clear();
  const auto html = heat_map(map);
  EXPECT_THAT(html, HasSubstr("2 and more; 1 is the fair share"));
  EXPECT_THAT(html, HasSubstr("\"load\":[[67,133],[null,null]]"));
  EXPECT_THAT(html, Not(HasSubstr("unit")));
}

}  // namespace
}  // namespace moe

// The file of moe-diagnose --dump-routing: what it holds, and that it appears whole or not at all.
#include "train/routed/routing_dump.h"

#include <gmock/gmock.h>

#include "configs/errors.h"
#include "data/formats/safetensors.h"
#include "tests/support/routed_checkpoint.h"

namespace moe {
namespace {

using testing::HasSubstr;

template <class Number>
std::vector<Number> read_all(const SafetensorsFile& file, const std::string& name) {
  const auto& info = file.info(name);
  std::vector<Number> values((info.end - info.begin) / sizeof(Number));
  file.read(name, values.data(), info.end - info.begin);
  return values;
}

TEST_F(RoutedCheckpoint, TheDumpHoldsEveryChoice) {
  const auto path = checkpoint("run", {});
  auto options = options_of(path);
  options.dump = tiny_.files().write_file("routing.safetensors", "an older one");
  const auto diagnosis = diagnose(options);
  const SafetensorsFile file(options.dump);
  EXPECT_EQ(file.tensors().size(), 8u);
  EXPECT_EQ(file.info("layers.1.weight").shape, (std::vector<int64_t>{4096, 2}));
  EXPECT_EQ(file.info("layers.1.expert").dtype, Dtype::kI32);
  EXPECT_EQ(file.metadata().at("experts"), "4");
  EXPECT_EQ(file.metadata().at("row_length"), "16");
  const auto tokens = read_all<int32_t>(file, "tokens"), targets = read_all<int32_t>(file, "targets"),
             positions = read_all<int32_t>(file, "positions"),
             expert = read_all<int32_t>(file, "layers.1.expert");
  const auto weight = read_all<float>(file, "layers.1.weight");
  std::vector<double> load(4);
  for (size_t t = 0; t < tokens.size(); ++t) {
    EXPECT_EQ(positions[t], static_cast<int32_t>(t % 16));
    if (t % 16 < 15) {
      EXPECT_EQ(targets[t], tokens[t + 1]);
    }
    EXPECT_NEAR(weight[2 * t] + weight[2 * t + 1], 1, 1e-6);
    load.at(static_cast<size_t>(expert[2 * t])) += 1;
    load.at(static_cast<size_t>(expert[2 * t + 1])) += 1;
  }
  EXPECT_EQ(load, diagnosis.layers.at(1).load.tokens_per_expert);
}

TEST_F(RoutedCheckpoint, ADumpThatCannotBeWrittenIsSaidFirst) {
  const auto path = checkpoint("run", {});
  auto options = options_of(path, "nowhere.txt");  // opened after the dump
  options.dump = tiny_.file("no/such/folder.safetensors");
  EXPECT_THAT(message_of<RunError>([&] { diagnose(options); }), HasSubstr("--dump-routing: '"));
  // A reading that fails leaves the file that was there, and no other.
  options.dump = tiny_.files().write_file("old.safetensors", "old");
  const auto before = tiny_.files().names();
  EXPECT_THAT(message_of<RunError>([&] { diagnose(options); }), HasSubstr("nowhere.txt"));
  EXPECT_EQ(read_bytes(options.dump), "old");
  EXPECT_EQ(tiny_.files().names(), before);
}

TEST_F(RoutedCheckpoint, ADumpIsBoundedAndPadsToTheWidest) {
  const auto path = tiny_.file("dump.safetensors");
  Batch batch;
  batch.rows = 1;
  batch.length = 2;
  batch.tokens = {1, 2};
  batch.targets = {2, Batch::kNoTarget};
  const auto add = [&](RoutingDump& dump, int64_t k) {
    dump.add_tokens(batch, 0);
    dump.add_layer(0, {at::zeros({2, k}, at::kLong), at::ones({2, k}), {}});
  };
  {
    RoutingDump dump(path);
    add(dump, 1);
    add(dump, 3);
    dump.write({});
  }
  const SafetensorsFile file(path);
  EXPECT_EQ(file.info("layers.0.expert").shape, (std::vector<int64_t>{4, 3}));
  EXPECT_EQ(read_all<int32_t>(file, "layers.0.expert"),
            (std::vector<int32_t>{0, -1, -1, 0, -1, -1, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(read_all<float>(file, "layers.0.weight")[1], 0);
  EXPECT_EQ(read_all<int32_t>(file, "positions"), (std::vector<int32_t>{0, 1, 0, 1}));
  RoutingDump small(path, 100);
  add(small, 1);
  EXPECT_THAT(message_of<RunError>([&] { add(small, 3); }), HasSubstr("lower --tokens"));
}

}  // namespace
}  // namespace moe

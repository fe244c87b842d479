#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <random>

#include "tests/configs/sample_config.h"

namespace moe {
namespace {

TEST(PrintConfig, IsCompleteYamlInTheOrderOfTheFields) {
  EXPECT_EQ(print_sample(parse_sample("name: '5'\n"
                                      "model: {moe: {gate: step}}\n"
                                      "sweep: {variants: {dense: model.moe=none, 'a b': []}}\n")),
            "name: \"5\"\n"
            "files: [a.txt]\n"
            "model:\n"
            "  width: 64\n"
            "  heads: 4\n"
            "  norm: rms\n"
            "  moe:\n"
            "    experts: 8\n"
            "    d_hidden: auto\n"
            "    gate:\n"
            "      kind: step\n"
            "      k: 4\n"
            "      gamma: 1\n"
            "      entropy: true\n"
            "train:\n"
            "  steps: 1000\n"
            "  lr: 0.001\n"
            "  decay: 0.1\n"
            "  shuffle: true\n"
            "sweep:\n"
            "  variants:\n"
            "    dense: [model.moe=none]\n"
            "    \"a b\": []\n"
            "  seeds: [1, 2]\n");
}

TEST(FlattenConfig, ListsEveryLeaf) {
  auto config = parse_sample("model: {moe: {gate: fixed}}\nsweep: {variants: {a: [b, 'c d']}}\n");
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"name", "\"\""},
      {"files", "[a.txt]"},
      {"model.width", "64"},
      {"model.heads", "4"},
      {"model.norm", "rms"},
      {"model.moe.experts", "8"},
      {"model.moe.d_hidden", "auto"},
      {"model.moe.gate.kind", "fixed"},
      {"train.steps", "1000"},
      {"train.lr", "0.001"},
      {"train.decay", "0.1"},
      {"train.shuffle", "true"},
      {"sweep.variants", "{a: [b, \"c d\"]}"},
      {"sweep.seeds", "[1, 2]"}};
  EXPECT_EQ(flatten_config(view_of(config)), expected);
  config.model.moe.reset();
  EXPECT_EQ(flatten_config(view_of(config))[5],
            std::make_pair(std::string("model.moe"), std::string("none")));
}

// Values, not printed text: a printer that dropped a field would otherwise agree with itself.
void expect_equal(const SampleConfig& a, const SampleConfig& b) {
  const auto same_bits = [](double x, double y) { return std::memcmp(&x, &y, sizeof x) == 0; };
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.files, b.files);
  EXPECT_EQ(a.model.width, b.model.width);
  EXPECT_EQ(a.model.heads, b.model.heads);
  EXPECT_EQ(a.model.norm, b.model.norm);
  EXPECT_EQ(a.train.steps, b.train.steps);
  EXPECT_TRUE(same_bits(a.train.lr, b.train.lr));
  EXPECT_TRUE(same_bits(a.train.decay, b.train.decay));
  EXPECT_EQ(a.train.shuffle, b.train.shuffle);
  EXPECT_EQ(a.sweep.variants, b.sweep.variants);
  EXPECT_EQ(a.sweep.seeds, b.sweep.seeds);
  ASSERT_EQ(a.model.moe.has_value(), b.model.moe.has_value());
  if (!a.model.moe) return;
  EXPECT_EQ(a.model.moe->experts, b.model.moe->experts);
  EXPECT_EQ(a.model.moe->d_hidden, b.model.moe->d_hidden);
  ASSERT_EQ(a.model.moe->gate.kind, b.model.moe->gate.kind);
  const KindConfig* x = a.model.moe->gate.config.get();
  const KindConfig* y = b.model.moe->gate.config.get();
  if (const auto* soft = dynamic_cast<const SoftGate*>(x)) {
    EXPECT_EQ(soft->k, dynamic_cast<const SoftGate&>(*y).k);
    EXPECT_TRUE(same_bits(soft->noise, dynamic_cast<const SoftGate&>(*y).noise));
  } else if (const auto* step = dynamic_cast<const StepGate*>(x)) {
    EXPECT_EQ(step->k, dynamic_cast<const StepGate&>(*y).k);
    EXPECT_TRUE(same_bits(step->gamma, dynamic_cast<const StepGate&>(*y).gamma));
    EXPECT_EQ(step->entropy, dynamic_cast<const StepGate&>(*y).entropy);
  }
}

class RandomConfig {
 public:
  explicit RandomConfig(unsigned seed) : random_(seed) {}

  SampleConfig make() {
    SampleConfig c;
    c.name = text();
    c.files = texts();
    if (c.files.empty()) c.files.emplace_back();
    c.model.heads = 1 + below(8);
    c.model.width = c.model.heads * (1 + below(1000));
    c.model.norm = std::array<const char*, 3>{"rms", "layer", "none"}[below(3)];
    c.train.steps = static_cast<int64_t>(random_()) >> below(64);
    if (c.train.steps == 13) c.train.steps = 14;
    c.train.lr = number();
    c.train.decay = below(2) == 0 ? 0.0 : std::min(number(), 0.5);
    c.train.shuffle = below(2) == 0;
    for (size_t i = below(4); i > 0; --i)
      c.sweep.seeds.push_back(static_cast<int64_t>(below(1000)));
    for (size_t i = below(4); i > 0; --i) {
      c.sweep.variants.emplace_back(std::to_string(i) + text(), texts());  // names differ
    }
    if (below(4) == 0) return c;
    c.model.moe.emplace();
    c.model.moe->experts = 1 + static_cast<int64_t>(below(100));
    if (below(2) == 0) c.model.moe->d_hidden = 1 + static_cast<int64_t>(below(100));
    c.model.moe->gate = KindChoice(sample_gates(), sample_gates()[below(3)].name);
    KindConfig* gate = c.model.moe->gate.config.get();
    if (auto* soft = dynamic_cast<SoftGate*>(gate)) {
      soft->k = 1 + static_cast<int64_t>(below(9));
      soft->noise = number();
    } else if (auto* step = dynamic_cast<StepGate*>(gate)) {
      step->k = 1 + static_cast<int64_t>(below(9));
      step->gamma = number();
      step->entropy = below(2) == 0;
    }
    return c;
  }

 private:
  size_t below(size_t limit) { return random_() % limit; }

  double number() {  // positive and finite, of any size
    uint64_t bits = random_() >> 1;
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return std::isfinite(value) && value > 0 ? value : 0.1;
  }

  std::string text() {
    static const std::vector<std::string> kPieces = {
        "true", "no",   "null", "~",    "none", "auto", "5",   "1e5",    "010", ".nan", "<<",
        "a",    " ",    "\n",   "\t",   "\"",   "'",    "\\",  ": ",     " #",  "-",    "[",
        "}",    ",",    "*",    "&",    "!",    "|",    ">",   "%",      "@",   "`",    "é",
        "漢",   "\xff", "\xc3", "\x04", "\x7f", "\r",   "...", "\u2028", "---", "=",    "."};
    std::string text;
    for (size_t i = below(5); i > 0; --i) text += kPieces[below(kPieces.size())];
    return text;
  }

  std::vector<std::string> texts() {
    std::vector<std::string> list;
    for (size_t i = below(4); i > 0; --i) list.push_back(text());
    return list;
  }

  std::mt19937_64 random_;
};

TEST(PrintConfig, ReadsBackAsTheSameConfig) {
  RandomConfig random(7);
  for (int i = 0; i < 2000 && !HasFailure(); ++i) {
    const SampleConfig config = random.make();
    const std::string printed = print_sample(config);
    SCOPED_TRACE(printed);
    const SampleConfig back = parse_sample(printed);
    expect_equal(back, config);
    EXPECT_EQ(print_sample(back), printed);
  }
}

}  // namespace
}  // namespace moe

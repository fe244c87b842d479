// How far experts are specialists: for what kind of token, or for which source of text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace moe {

// Slots by group of tokens and expert, as counted.
struct Specialisation {
  // A group with fewer tokens, or an expert with fewer slots, is none of specialists(): chance.
  static constexpr double kFewest = 20;

  std::vector<std::string> groups;           // [C] their names
  std::vector<double> tokens;                // [C]
  std::vector<std::vector<double>> slots;    // [C][E]

  // [C][E] share of a group's slots that go to each expert: by chance the expert's share of all
  // slots, which is 1 / E in a balanced layer. 0 for a group without slots.
  std::vector<std::vector<double>> shares() const;
  // [C][E] that share over the expert's share of all slots: 1 where the group is like all text, 0
  // for a group or an expert without slots.
  std::vector<std::vector<double>> lifts() const;
  // Mutual information of group and expert over all slots, nats: 0 where experts do not tell groups
  // apart, at most the entropy of either. From counts: too high by about (C - 1)(E - 1) / 2 slots.
  double information() const;

  struct Pair {
    size_t group = 0, expert = 0;
    double lift = 0, share = 0;
  };
  // Each group's expert of the highest lift, where that is above 1, the most special first. It must
  // have 1 / E of the group's slots: of many experts one with few slots has a high lift by chance.
  std::vector<Pair> specialists() const;
};

}  // namespace moe

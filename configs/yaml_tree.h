// A YAML text as a tree of our own, in which every node knows where it was written.
//
// Only the plain part of YAML is taken: one document of mappings, lists and scalars. Aliases can
// make cycles and explode, `<<` merges are an ordinary key to yaml-cpp, the second of two equal
// keys would silently lose, an unclosed quote would swallow the rest: all refused here, so that
// what reads the tree meets no surprises.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "configs/problems.h"

namespace moe {

struct Node {
  enum Type {
    kNull,  // nothing, `null` or `~`
    kScalar,
    kList,
    kMap,
    kRefused  // already reported: nobody needs to say more about it
  };
  Type type = kNull;
  Place place;
  std::string text;   // of a scalar, with stand-ins (configs/utf8.h)
  bool plain = true;  // a scalar without quotes
  std::vector<Node> children;

  // Of the entry of a mapping.
  std::string key;
  Place key_place;

  // Of a mapping; null when it has no such key.
  const Node* find(const std::string& name) const;
  Node* find(const std::string& name);

  bool is_word(const char* word) const { return type == kScalar && plain && text == word; }

  // "'four'", "the quoted text 'four'", "a list": what a message says was found.
  std::string shown() const;
};

// The longest text, the deepest nesting and the longest key that are taken.
constexpr size_t kLongestConfig = size_t{1} << 20;
constexpr size_t kDeepestConfig = 32;
constexpr size_t kLongestKey = 100;

// The root of a file is a mapping; a text without content gives an empty one.
// Problems are added to `problems`, and the nodes concerned are kRefused.
Node parse_yaml_file(const std::string& text, Problems& problems);

// The value of override `index` (from 0) for `key`: YAML flow syntax where it starts with a
// bracket, a brace or a quote; otherwise the text as it stands, so that globs, '#' and ': ' need
// no second quoting inside that of the shell. Nothing at all is the empty text.
Node parse_override_value(const std::string& value, size_t index, const std::string& key,
                          Problems& problems);

}  // namespace moe

// Puts a tree together from yaml-cpp's events, and refuses what the tree must not hold.
#pragma once

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>

#include <cstddef>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "configs/problems.h"
#include "configs/yaml_source.h"
#include "configs/yaml_tree.h"

namespace moe {

// Ends the parsing where nothing sensible can follow; the problem has been added.
struct StopParsing {};

// Events, not yaml-cpp's nodes: they tell quoted from plain, come before an alias is followed, and
// can be stopped before the recursion gets deep. Borrows what it is given.
class TreeBuilder : public YAML::EventHandler {
 public:
  // `key` is the full key of the root: empty for a file.
  TreeBuilder(const YamlSource& source, std::string key, Problems& problems);

  // Whether there was a document; its root.
  bool any() const { return documents_ > 0; }
  Node take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override;
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override;
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override;
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Node node;
    bool has_key = false;  // of a mapping: the next node is the value of `key`
    bool key_refused = false;
    std::string key;
    Place key_place;
    std::unordered_map<std::string, size_t> lines;  // of the keys so far
  };

  Place place(const YAML::Mark& mark) const { return source_.place(mark.line, mark.column); }
  std::string next_key() const;
  void refuse(Node& node, const std::string& message);
  void open(Node::Type type, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor);
  void close();
  void add(Node node);
  bool accept_key(const Node& node);

  const YamlSource& source_;
  std::string outer_key_;
  Problems& problems_;
  int documents_ = 0;
  std::vector<Open> stack_;
  Node root_;
};

}  // namespace moe

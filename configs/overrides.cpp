#include "configs/overrides.h"

#include <utility>

namespace moe {
namespace {

// "a.b.c" in its parts; empty when a part is empty or holds a blank.
std::vector<std::string> split_key(const std::string& key) {
  std::vector<std::string> parts(1);
  for (const char c : key) {
    if (c == '.') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  for (const std::string& part : parts) {
    if (part.empty() || part.find_first_of(" \t\n\r") != std::string::npos) return {};
  }
  return parts;
}

Node& find_or_add(Node& map, const std::string& key, const Place& place) {
  if (Node* child = map.find(key)) return *child;
  Node child;
  child.place = place;
  child.key = key;
  child.key_place = place;
  map.children.push_back(std::move(child));
  return map.children.back();
}

// Makes a mapping of what stands for one: nothing, `none`, or the short form of a kind.
void open_section(Node& node, const FieldInfo* info) {
  const auto shape = info == nullptr ? FieldInfo::kLeaf : info->shape;
  const bool absent = shape == FieldInfo::kOptionalStruct && node.is_word("none");
  if (node.type == Node::kNull || absent) {
    node.type = Node::kMap;
  } else if (shape == FieldInfo::kChosen && node.type == Node::kScalar) {
    Node kind = node;
    kind.key = "kind";
    kind.key_place = kind.place;
    node.type = Node::kMap;
    node.children.assign(1, std::move(kind));
  }
}

void apply(const std::vector<std::string>& parts, Node value, const std::string& full_key,
           const std::vector<FieldInfo>& fields, Node& root, Problems& problems) {
  Node* node = &root;
  const FieldInfo* info = nullptr;
  std::string path;
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    info = i == 0            ? find_field(fields, parts[i])
           : info == nullptr ? nullptr
                             : find_below(*info, parts[i]);
    node = &find_or_add(*node, parts[i], value.place);
    path += (i == 0 ? "" : ".") + parts[i];
    open_section(*node, info);
    if (node->type == Node::kRefused) return;  // its own problem has been said
    if (node->type != Node::kMap) {
      problems.add(value.place, full_key,
                   "expected '" + path + "' to be a mapping of keys, found " + node->shown());
      return;
    }
  }
  const bool new_kind =
      info != nullptr && info->shape == FieldInfo::kChosen && parts.back() == "kind";
  if (new_kind) node->children.clear();
  Node& target = find_or_add(*node, parts.back(), value.place);
  value.key = parts.back();
  value.key_place = value.place;
  target = std::move(value);
}

}  // namespace

void apply_overrides(const std::vector<std::string>& overrides,
                     const std::vector<FieldInfo>& fields, Node& root, Problems& problems) {
  for (size_t i = 0; i < overrides.size(); ++i) {
    const size_t equals = overrides[i].find('=');
    const std::string key = overrides[i].substr(0, equals);
    const std::vector<std::string> parts = split_key(key);
    if (equals == std::string::npos || parts.empty()) {
      const Place place{static_cast<int>(i) + 1, 0, 0};
      problems.add(place, "", "expected the form dotted.key=value, such as train.steps=100");
      continue;
    }
    Node value = parse_override_value(overrides[i].substr(equals + 1), i, key, problems);
    if (root.type == Node::kMap) apply(parts, std::move(value), key, fields, root, problems);
  }
}

}  // namespace moe

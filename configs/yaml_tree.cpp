#include "configs/yaml_tree.h"

#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>
#include <utility>

#include "configs/tree_builder.h"
#include "configs/utf8.h"
#include "configs/yaml_source.h"

namespace moe {
namespace {

// yaml-cpp says what it met; this says what to do about it, for the mistakes people make.
std::string in_our_words(const std::string& message) {
  namespace Said = YAML::ErrorMsg;
  const std::string closed = "check the indentation, and that brackets and quotes are closed";
  const std::pair<const char*, std::string> words[] = {
      {Said::END_OF_MAP, "expected another key or the end of the mapping: " + closed},
      {Said::END_OF_MAP_FLOW, "expected ',' or '}': " + closed},
      {Said::END_OF_SEQ, "expected another '- ' or the end of the list: " + closed},
      {Said::END_OF_SEQ_FLOW, "expected ',' or ']': " + closed},
      {Said::MAP_VALUE,
       "expected no ':' here: quote a text that holds ': ', write a space after the ':' of every "
       "key, and check the indentation"},
      {Said::BLOCK_ENTRY, "expected no '- ' here: a list begins on a line of its own"},
      {Said::FLOW_END, "expected a value, found a closing bracket that was never opened"},
      {Said::EOF_IN_SCALAR, "expected a closing quote, found the end of the text"},
      {Said::UNKNOWN_ANCHOR, "expected a value: quote a text that starts with '*' or '&'"},
      {Said::CHAR_IN_ALIAS, "expected a value: quote a text that starts with '*'"},
      {Said::CHAR_IN_ANCHOR, "expected a value: quote a text that starts with '&'"},
      {Said::UNKNOWN_TOKEN, "expected a value: quote a text that starts with a special character"},
  };
  for (const auto& [said, ours] : words) {
    if (message == said) return ours;
  }
  return "expected YAML, found: " + message;
}

Node parse(const YamlSource& source, const std::string& key, Place start, Problems& problems) {
  Node refused;
  refused.type = Node::kRefused;
  refused.place = start;
  if (!source.accepted(key, problems)) return refused;
  TreeBuilder builder(source, key, problems);
  std::istringstream stream(source.text());
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const StopParsing&) {
    return refused;
  } catch (const YAML::Exception& error) {
    const Place place =
        error.mark.is_null() ? start : source.place(error.mark.line, error.mark.column);
    problems.add(place, key, in_our_words(error.msg));
    return refused;
  }
  return builder.any() ? builder.take_root() : Node{};
}

}  // namespace

const Node* Node::find(const std::string& name) const {
  for (const Node& child : children) {
    if (child.key == name) return &child;
  }
  return nullptr;
}

Node* Node::find(const std::string& name) {
  return const_cast<Node*>(static_cast<const Node*>(this)->find(name));
}

std::string Node::shown() const {
  const std::string quoted = std::string("'").append(visible(stand_ins_to_bytes(text))).append("'");
  switch (type) {
    case kNull:
      return "nothing";
    case kScalar:
      return plain || text.empty() ? quoted : "the quoted text " + quoted;
    case kList:
      return "a list";
    case kMap:
      return "a mapping";
    case kRefused:
      break;
  }
  return "something that was refused";
}

Node parse_yaml_file(const std::string& text, Problems& problems) {
  Node root = parse(YamlSource(text, 0), "", {0, 1, 1}, problems);
  const bool nothing = root.type == Node::kNull && root.place.line == 0;
  if (nothing) root.type = Node::kMap;
  if (root.type != Node::kMap && root.type != Node::kRefused) {
    problems.add(root.place, "", "expected a mapping such as 'key: value', found " + root.shown());
    root.type = Node::kRefused;
  }
  return root;
}

Node parse_override_value(const std::string& value, size_t index, const std::string& key,
                          Problems& problems) {
  const Place place{static_cast<int>(index) + 1, 0, 0};
  const std::string carried = bytes_to_stand_ins(value);
  const size_t first = carried.find_first_not_of(' ');
  if (first != std::string::npos &&
      std::string("[{'\"").find(carried[first]) != std::string::npos) {
    return parse(YamlSource(carried, place.file), key, place, problems);
  }
  Node node;
  node.type = Node::kScalar;
  node.place = place;
  if (first == std::string::npos) {
    node.plain = false;
  } else {
    node.text = carried.substr(first, carried.find_last_not_of(' ') + 1 - first);
    if (node.text == "~" || node.text == "null") node.type = Node::kNull;
  }
  return node;
}

}  // namespace moe

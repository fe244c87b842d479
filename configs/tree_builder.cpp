#include "configs/tree_builder.h"

#include <utility>

namespace moe {
namespace {

constexpr const char kAnchor[] =
    "anchors (&) and aliases (*) are not supported: write the value out, and quote a text that "
    "starts with one of these";
constexpr const char kTag[] =
    "tags (!) are not supported: leave it out, and quote a text that starts with '!'";

}  // namespace

TreeBuilder::TreeBuilder(const YamlSource& source, std::string key, Problems& problems)
    : source_(source), outer_key_(std::move(key)), problems_(problems) {}

void TreeBuilder::OnDocumentStart(const YAML::Mark& mark) {
  if (++documents_ == 1) return;
  const bool in_override = place(mark).file > 0;
  problems_.add(place(mark), outer_key_,
                in_override ? "expected nothing after the value, found more: quote a text that "
                              "starts with a bracket or a quote"
                            : "expected one document, found more after its end");
  throw StopParsing{};
}

void TreeBuilder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  Node node;
  node.place = place(mark);
  if (anchor != 0) refuse(node, kAnchor);
  add(std::move(node));
}

void TreeBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t) {
  Node node;
  node.place = place(mark);
  refuse(node, kAnchor);
  add(std::move(node));
}

void TreeBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                           const std::string& value) {
  Node node;
  node.type = Node::kScalar;
  node.place = place(mark);
  node.text = value;
  node.plain = tag == "?";
  const char first = source_.at(mark.line, mark.column);
  if (anchor != 0) {
    refuse(node, kAnchor);
  } else if (first == '!' || (tag != "?" && tag != "!")) {
    refuse(node, kTag);
  } else if (!node.plain && (first == '\'' || first == '"') &&
             !source_.quote_is_closed(mark.line, mark.column)) {
    refuse(node, std::string("expected a closing ") + first + ", found the end of the text");
  }
  add(std::move(node));
}

void TreeBuilder::OnSequenceStart(const YAML::Mark& mark, const std::string& tag,
                                  YAML::anchor_t anchor, YAML::EmitterStyle::value) {
  open(Node::kList, mark, tag, anchor);
}

void TreeBuilder::OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                             YAML::EmitterStyle::value) {
  open(Node::kMap, mark, tag, anchor);
}

// The full key of the node that comes next.
std::string TreeBuilder::next_key() const {
  std::string key = outer_key_;
  for (const Open& open : stack_) {
    if (open.node.type == Node::kList) {
      key.append("[").append(std::to_string(open.node.children.size())).append("]");
    } else if (open.has_key) {
      key += (key.empty() ? "" : ".") + open.key;
    }
  }
  return key;
}

void TreeBuilder::refuse(Node& node, const std::string& message) {
  node.type = Node::kRefused;
  problems_.add(node.place, next_key(), message);
}

void TreeBuilder::open(Node::Type type, const YAML::Mark& mark, const std::string& tag,
                       YAML::anchor_t anchor) {
  Open opened;
  opened.node.type = type;
  opened.node.place = place(mark);
  if (stack_.size() == kDeepestConfig) {
    problems_.add(
        opened.node.place, next_key(),
        "expected at most " + std::to_string(kDeepestConfig) + " levels of nesting, found more");
    throw StopParsing{};
  }
  if (anchor != 0) {
    problems_.add(opened.node.place, next_key(), kAnchor);
  } else if (tag != "?" && !tag.empty()) {
    problems_.add(opened.node.place, next_key(), kTag);
  }
  stack_.push_back(std::move(opened));
}

void TreeBuilder::close() {
  Node node = std::move(stack_.back().node);
  stack_.pop_back();
  add(std::move(node));
}

void TreeBuilder::add(Node node) {
  if (stack_.empty()) {
    root_ = std::move(node);
    return;
  }
  Open& parent = stack_.back();
  if (parent.node.type == Node::kList) {
    // yaml-cpp places a missing item where the next token is, maybe on another line.
    if (node.type == Node::kNull) node.place = parent.node.place;
    parent.node.children.push_back(std::move(node));
  } else if (!parent.has_key) {
    parent.key_refused = !accept_key(node);
    parent.key = node.text;
    parent.key_place = node.place;
    parent.has_key = true;
  } else {
    parent.has_key = false;
    if (parent.key_refused) return;
    if (node.type == Node::kNull) node.place = parent.key_place;
    node.key = parent.key;
    node.key_place = parent.key_place;
    parent.node.children.push_back(std::move(node));
  }
}

bool TreeBuilder::accept_key(const Node& node) {
  Open& parent = stack_.back();
  if (node.type == Node::kRefused) return false;
  std::string message;
  if (node.type != Node::kScalar || node.text.empty()) {
    message = "expected a word as key, found " + node.shown();
  } else if (node.plain && node.text == "<<") {
    message = "merge keys (<<) are not supported: write the keys out";
  } else if (node.text.size() > kLongestKey) {
    message = "expected a key of at most " + std::to_string(kLongestKey) + " bytes, found " +
              node.shown();
  } else {
    const auto [first, is_new] = parent.lines.emplace(node.text, node.place.line);
    if (is_new) return true;
    message = "expected every key once, found it again";
    if (node.place.line > 0) message += ": it is also on line " + std::to_string(first->second);
  }
  std::string key = next_key();
  if (node.type == Node::kScalar) key += (key.empty() ? "" : ".") + node.text;
  problems_.add(node.place, key, message);
  return false;
}

}  // namespace moe

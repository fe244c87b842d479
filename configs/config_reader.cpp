#include "configs/config_reader.h"

#include <algorithm>
#include <utility>

#include "configs/expectations.h"
#include "configs/scalar.h"
#include "configs/utf8.h"

namespace moe {
namespace {

// Quotes make a text: a quoted number is refused, so that printing and reading agree on types.
template <class T>
Parsed<T> parse_plain(const Node& node, Parsed<T> (*parse)(const std::string&)) {
  if (node.type != Node::kScalar) return {};
  Parsed<T> read = parse(node.text);
  if (node.plain) return read;
  return {std::nullopt, read.value ? "write it without quotes" : ""};
}

}  // namespace

ConfigReader::ConfigReader(const std::vector<FieldInfo>& all, Mode mode, Problems& problems)
    : all_(all), mode_(mode), problems_(problems) {}

void ConfigReader::operator()(const char* key, int64_t& value, const char*, Range range) {
  const Node* node = take(key);
  if (node == nullptr) return;
  const auto read = integer(*node, full(key), range, an_integer(range));
  if (read && mode_ == kStore) value = *read;
}

void ConfigReader::operator()(const char* key, double& value, const char*, Range range) {
  const Node* node = take(key);
  if (node == nullptr) return;
  const Parsed<double> read = parse_plain(*node, parse_number);
  if (!read.value || !range.holds(*read.value)) {
    expected(*node, full(key), a_number(range), read.why);
  } else if (mode_ == kStore) {
    value = *read.value;
  }
}

void ConfigReader::operator()(const char* key, bool& value, const char*) {
  const Node* node = take(key);
  if (node == nullptr) return;
  const Parsed<bool> read = parse_plain(*node, parse_boolean);
  if (!read.value) {
    expected(*node, full(key), kTrueOrFalse, read.why);
  } else if (mode_ == kStore) {
    value = *read.value;
  }
}

void ConfigReader::operator()(const char* key, std::string& value, const char*) {
  const Node* node = take(key);
  if (node == nullptr) return;
  const auto read = text(*node, full(key), kText);
  if (read && mode_ == kStore) value = *read;
}

void ConfigReader::operator()(const char* key, std::string& value, const char*, OneOf words) {
  const Node* node = take(key);
  if (node == nullptr) return;
  const auto read = text(*node, full(key), a_word(words));
  if (!read) return;
  if (std::find(words.words.begin(), words.words.end(), *read) == words.words.end()) {
    problems_.add(node->place, full(key),
                  "expected " + a_word(words) + ", found " + node->shown() +
                      did_you_mean(*read, words.words));
  } else if (mode_ == kStore) {
    value = *read;
  }
}

void ConfigReader::operator()(const char* key, std::optional<int64_t>& value, const char*,
                              Range range) {
  const Node* node = take(key);
  if (node == nullptr) return;
  if (node->is_word("auto")) {
    if (mode_ == kStore) value.reset();
    return;
  }
  const std::string why = why_not_word(*node, "auto");
  if (!why.empty()) return expected(*node, full(key), auto_or_integer(range), why);
  const auto read = integer(*node, full(key), range, auto_or_integer(range));
  if (read && mode_ == kStore) value = *read;
}

void ConfigReader::operator()(const char* key, std::vector<std::string>& value, const char*) {
  const Node* node = take(key);
  if (node == nullptr) return;
  auto read = texts(*node, full(key));
  if (read && mode_ == kStore) value = std::move(*read);
}

void ConfigReader::operator()(const char* key, std::vector<int64_t>& value, const char*,
                              Range range) {
  const Node* node = take(key);
  if (node == nullptr) return;
  std::vector<int64_t> items;
  if (node->type == Node::kList) {
    bool complete = true;
    for (size_t i = 0; i < node->children.size(); ++i) {
      const auto item = integer(node->children[i], full(key) + "[" + std::to_string(i) + "]", range,
                                an_integer(range));
      complete = complete && item;
      if (item) items.push_back(*item);
    }
    if (!complete) return;
  } else {
    const auto item = integer(*node, full(key), range, a_list_of_integers(range));
    if (!item) return;
    items.push_back(*item);
  }
  if (mode_ == kStore) value = std::move(items);
}

void ConfigReader::operator()(const char* key, NamedLists& value, const char*) {
  const Node* node = take(key);
  if (node == nullptr) return;
  if (node->type != Node::kMap) return expected(*node, full(key), kNamedLists);
  if (!few_names(*node, full(key))) return;
  NamedLists lists;
  bool complete = true;
  for (const Node& child : node->children) {
    auto list = texts(child, full(key) + "." + child.key);
    complete = complete && list;
    if (list) lists.emplace_back(stand_ins_to_bytes(child.key), std::move(*list));
  }
  if (complete && mode_ == kStore) value = std::move(lists);
}

void ConfigReader::expected(const Node& node, const std::string& key, const std::string& what,
                            const std::string& why) {
  std::string message = "expected " + what + ", found " + node.shown();
  if (!why.empty()) message += " (" + why + ")";
  problems_.add(node.place, key, message);
}

std::string ConfigReader::why_not_word(const Node& node, const char* word) {
  if (node.type != Node::kScalar || nearest(node.text, {word}).empty()) return "";
  return std::string("write ") + word;
}

std::optional<int64_t> ConfigReader::integer(const Node& node, const std::string& key,
                                             const Range& range, const std::string& what) {
  if (node.type == Node::kRefused) return std::nullopt;
  const Parsed<int64_t> read = parse_plain(node, parse_integer);
  if (read.value && range.holds(static_cast<double>(*read.value))) return read.value;
  expected(node, key, what, read.why);
  return std::nullopt;
}

std::optional<std::string> ConfigReader::text(const Node& node, const std::string& key,
                                              const std::string& what) {
  if (node.type == Node::kRefused) return std::nullopt;
  if (node.type == Node::kScalar) return stand_ins_to_bytes(node.text);
  expected(node, key, what,
           node.type == Node::kNull && what == kText ? "write '' for the empty text" : "");
  return std::nullopt;
}

std::optional<std::vector<std::string>> ConfigReader::texts(const Node& node,
                                                            const std::string& key) {
  std::vector<std::string> items;
  if (node.type != Node::kList) {
    const auto item = text(node, key, kListOfTexts);
    if (!item) return std::nullopt;
    items.push_back(*item);
    return items;
  }
  for (size_t i = 0; i < node.children.size(); ++i) {
    const auto item = text(node.children[i], key + "[" + std::to_string(i) + "]", kText);
    if (item) items.push_back(*item);
  }
  if (items.size() < node.children.size()) return std::nullopt;
  return items;
}

}  // namespace moe

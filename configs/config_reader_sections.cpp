// The part of the reader that goes into sections: plain, optional, named and chosen by kind.
#include <algorithm>
#include <utility>

#include "configs/config_reader.h"
#include "configs/expectations.h"
#include "configs/unknown_key.h"
#include "configs/utf8.h"

namespace moe {

void ConfigReader::read(const Node& root, const std::function<void(Fields&)>& visit) {
  if (root.type != Node::kMap) return;
  Level level;
  level.node = &root;
  enter(std::move(level), visit);
}

const Node* ConfigReader::take(const std::string& key) {
  level_.known.push_back(key);
  const Node* node = level_.node->find(key);
  return node == nullptr || node->type == Node::kRefused ? nullptr : node;
}

void ConfigReader::operator()(const char* key, KindChoice& value, const char*) {
  const Node* node = take(key);
  if (node == nullptr) return;
  if (node->type != Node::kMap && node->type != Node::kScalar) {
    return expected(
        *node, full(key),
        "one of the kinds " + a_word({kind_names(*value.list)}) + ", or a mapping with 'kind'");
  }
  const Node* word = node->type == Node::kMap ? node->find("kind") : node;
  const Kind* chosen = nullptr;
  if (word != nullptr) {
    chosen = kind(*word, node == word ? full(key) : full(key) + ".kind", *value.list);
    // What its other keys should be depends on the kind that was meant.
    if (chosen == nullptr) return;
  }
  const auto config = chosen == nullptr ? value.config : chosen->defaults();
  const std::string name = chosen == nullptr ? value.kind : chosen->name;
  if (node->type == Node::kMap) {
    Level level;
    level.node = node;
    level.path = full(key) + ".";
    level.known = {"kind"};
    level.kinds = value.list;
    level.kind = name;
    enter(std::move(level), [&config](Fields& f) { config->fields(f); });
  }
  if (mode_ == kCheck) return;
  value.kind = name;
  value.config = config;
}

void ConfigReader::visit_section(const char* key, const char*,
                                 const std::function<void(Fields&)>& visit) {
  const Node* node = take(key);
  if (node == nullptr) return;
  if (node->type != Node::kMap) return expected(*node, full(key), kSection);
  Level level;
  level.node = node;
  level.path = full(key) + ".";
  enter(std::move(level), visit);
}

void ConfigReader::visit_optional(const char* key, const char*, const Optional& slot) {
  const Node* node = take(key);
  if (node == nullptr) return;
  if (node->is_word("none")) {
    if (mode_ == kStore) slot.reset();
    return;
  }
  if (node->type != Node::kMap) {
    return expected(*node, full(key), kOptionalSection, why_not_word(*node, "none"));
  }
  if (mode_ == kStore && !slot.present()) slot.fill();
  Level level;
  level.node = node;
  level.path = full(key) + ".";
  enter(std::move(level), slot.present() ? slot.visit : slot.visit_defaults);
}

void ConfigReader::visit_named(const char* key, const char*, const Named& slot) {
  const Node* node = take(key);
  if (node == nullptr) return;
  if (node->type != Node::kMap) return expected(*node, full(key), kNamedSections);
  if (!few_names(*node, full(key))) return;
  if (mode_ == kStore) slot.clear();
  size_t stored = 0;
  for (const Node& child : node->children) {
    const std::string path = full(key) + "." + child.key;
    if (!accept_name(child, path) || child.type == Node::kRefused) continue;
    if (child.is_word("none")) continue;
    if (child.type != Node::kMap) {
      expected(child, path, kOptionalSection, why_not_word(child, "none"));
      continue;
    }
    Level level;
    level.node = &child;
    level.path = path + ".";
    if (mode_ == kCheck) {
      enter(std::move(level), slot.visit_defaults);
      continue;
    }
    slot.add(stand_ins_to_bytes(child.key));
    enter(std::move(level), [&](Fields& f) { slot.visit(stored, f); });
    ++stored;
  }
}

bool ConfigReader::few_names(const Node& node, const std::string& key) {
  if (node.children.size() <= kMostNames) return true;
  problems_.add(node.place, key,
                "expected at most " + std::to_string(kMostNames) + " entries, found " +
                    std::to_string(node.children.size()));
  return false;
}

bool ConfigReader::accept_name(const Node& entry, const std::string& key) {
  // '=' would end the key of an override, '.' a part of it.
  const bool taken = std::all_of(entry.key.begin(), entry.key.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte != 0x7F && c != '.' && c != '=';
  });
  if (taken) return true;
  problems_.add(entry.key_place, key,
                "expected a name without dots, blanks, '=' and control characters, found '" +
                    visible(stand_ins_to_bytes(entry.key)) + "'");
  return false;
}

const Kind* ConfigReader::kind(const Node& node, const std::string& key, const KindList& kinds) {
  const std::vector<std::string> names = kind_names(kinds);
  const auto read = text(node, key, join_or(names));
  if (!read) return nullptr;
  for (const Kind& each : kinds) {
    if (each.name == *read) return &each;
  }
  problems_.add(
      node.place, key,
      "expected " + join_or(names) + ", found " + node.shown() + did_you_mean(*read, names));
  return nullptr;
}

void ConfigReader::enter(Level level, const std::function<void(Fields&)>& visit) {
  std::swap(level_, level);
  visit(*this);
  report_unknown_keys();
  std::swap(level_, level);
}

void ConfigReader::report_unknown_keys() {
  // Of later ones nobody sees what is said (configs/problems.cpp shows the first), and looking for the
  // nearest name takes longest.
  constexpr size_t kMostExplained = 200;
  size_t unknown = 0;
  for (const Node& child : level_.node->children) {
    const auto& known = level_.known;
    if (std::find(known.begin(), known.end(), child.key) != known.end()) continue;
    const std::string message =
        ++unknown > kMostExplained ? "unknown key"
        : level_.kinds == nullptr
            ? about_unknown_key(child.key, known, all_)
            : about_unknown_key_of_kind(child.key, known, *level_.kinds, level_.kind);
    problems_.add(child.key_place, full(child.key), message);
  }
}

}  // namespace moe

// Reads a tree into a struct through its fields: types, ranges, words, kinds, unknown keys.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "configs/field_tree.h"
#include "configs/fields.h"
#include "configs/problems.h"
#include "configs/yaml_tree.h"

namespace moe {

// The most entries of a mapping whose keys are the user's own names.
constexpr size_t kMostNames = 1024;

class ConfigReader final : public Fields {
 public:
  // kCheck finds the problems and leaves the struct as it is.
  enum Mode { kCheck, kStore };

  // `all` are the fields of the whole config, to look for misplaced keys in.
  ConfigReader(const std::vector<FieldInfo>& all, Mode mode, Problems& problems);

  // Reads `root`, a mapping (a refused one is passed over), into the fields that `visit` hands out.
  void read(const Node& root, const std::function<void(Fields&)>& visit);

  void operator()(const char* key, int64_t& value, const char* help, Range range) override;
  void operator()(const char* key, double& value, const char* help, Range range) override;
  void operator()(const char* key, bool& value, const char* help) override;
  void operator()(const char* key, std::string& value, const char* help) override;
  void operator()(const char* key, std::string& value, const char* help, OneOf words) override;
  void operator()(const char* key, std::optional<int64_t>& value, const char* help,
                  Range range) override;
  void operator()(const char* key, std::vector<std::string>& value, const char* help) override;
  void operator()(const char* key, std::vector<int64_t>& value, const char* help,
                  Range range) override;
  void operator()(const char* key, NamedLists& value, const char* help) override;
  void operator()(const char* key, KindChoice& value, const char* help) override;

 protected:
  void visit_section(const char* key, const char* help,
                     const std::function<void(Fields&)>& visit) override;
  void visit_optional(const char* key, const char* help, const Optional& slot) override;
  void visit_named(const char* key, const char* help, const Named& slot) override;

 private:
  // The mapping being read.
  struct Level {
    const Node* node = nullptr;
    std::string path;                 // of its keys: "" or "model.moe."
    std::vector<std::string> known;   // keys asked for so far
    const KindList* kinds = nullptr;  // of a section chosen by kind, and the kind chosen
    std::string kind;
  };

  // The node given for this key of the present level, or null; null as well when it was refused.
  const Node* take(const std::string& key);
  std::string full(const std::string& key) const { return level_.path + key; }
  void expected(const Node& node, const std::string& key, const std::string& what,
                const std::string& why = "");

  std::optional<int64_t> integer(const Node& node, const std::string& key, const Range& range,
                                 const std::string& what);
  std::optional<std::string> text(const Node& node, const std::string& key,
                                  const std::string& what);
  std::optional<std::vector<std::string>> texts(const Node& node, const std::string& key);
  const Kind* kind(const Node& node, const std::string& key, const KindList& kinds);

  // What to write where `word`, such as none, may have been misspelt; "" elsewhere.
  static std::string why_not_word(const Node& node, const char* word);
  // At most kMostNames, or a problem: rules compare entries in pairs.
  bool few_names(const Node& node, const std::string& key);
  // Whether `entry` of named sections is called something that dotted keys can hold.
  bool accept_name(const Node& entry, const std::string& key);
  void enter(Level level, const std::function<void(Fields&)>& visit);
  void report_unknown_keys();

  const std::vector<FieldInfo>& all_;
  const Mode mode_;
  Problems& problems_;
  Level level_;
};

}  // namespace moe

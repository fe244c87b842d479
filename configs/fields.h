// One list of fields per config struct, from which everything else is made: the YAML reader,
// `key=value` overrides, --help-config, docs/config.md and --print-config.
//
//   struct ScheduleConfig {
//     std::string kind = "cosine";
//     double lr = 1e-3;
//     void fields(Fields& f) {
//       f("kind", kind, "shape after the warm-up", one_of({"cosine", "linear"}));
//       f("lr", lr, "peak learning rate", above(0));
//     }
//     void check(Rules& rules) const { ... rules across fields ... }
//   };
//
// A value's default is what the struct holds before reading. Free of LibTorch.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace moe {

// Bounds of a number. `text()` is for messages: "at least 1", "above 0 and at most 1".
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false;
  bool high_open = false;
  bool holds(double value) const;
  std::string text() const;
};
Range at_least(double low);
Range above(double low);
Range between(double low, double high);     // both ends belong
Range from_below(double low, double high);  // low belongs, high does not

// The words a text field may hold.
struct OneOf {
  std::vector<std::string> words;
};
OneOf one_of(std::vector<std::string> words);

// Rules across fields. `key` is relative to the struct that checks, like "heads"; the message says
// what is expected and what was found, and what to do where that is not obvious.
class Rules {
 public:
  struct Broken {
    std::string key;  // full, dotted
    std::string message;
  };
  void require(bool holds, const std::string& key, const std::string& message);
  // Rules of a nested struct: its keys get `key` and a dot in front.
  template <class Section>
  void section(const std::string& key, const Section& value) {
    const std::string outer = prefix_;
    prefix_ += key + ".";
    value.check(*this);
    prefix_ = outer;
  }
  // Rules of every one of NamedSections: their keys get `key`, the name and dots in front.
  template <class Named>
  void sections(const std::string& key, const Named& value) {
    for (const auto& [name, each] : value) section(key + "." + name, each);
  }
  const std::vector<Broken>& broken() const { return broken_; }

 private:
  std::string prefix_;
  std::vector<Broken> broken_;
};

class Fields;

// Nested structs under names of the user's own, in the order of the file:
// `sources: {wiki: {weight: 2}, code: {weight: 1}}`.
template <class Section>
using NamedSections = std::vector<std::pair<std::string, Section>>;

// A section chosen by its key `kind`, such as a gate. One class per kind; the list of kinds says
// which exist. A key of one kind given to another is an error that names the kinds that have it.
class KindConfig {
 public:
  virtual ~KindConfig() = default;
  virtual void fields(Fields&) {}
  virtual void check(Rules&) const {}
};

struct Kind {
  std::string name;
  std::string help;
  std::function<std::shared_ptr<KindConfig>()> defaults;  // a fresh config of this kind
};

// The explicit list of kinds; a program that links the library can append its own before reading.
using KindList = std::vector<Kind>;

// Copies share `config`: to read anew, start from a fresh struct.
struct KindChoice {
  explicit KindChoice(KindList& list, const std::string& kind);  // that kind's defaults
  std::string kind;
  std::shared_ptr<KindConfig> config;
  KindList* list;
  void check(Rules& rules) const { config->check(rules); }
};

// Visits the fields of a struct; implemented by the reader, the printer and the help.
class Fields {
 public:
  virtual ~Fields() = default;

  virtual void operator()(const char* key, int64_t& value, const char* help, Range range = {}) = 0;
  virtual void operator()(const char* key, double& value, const char* help, Range range = {}) = 0;
  virtual void operator()(const char* key, bool& value, const char* help) = 0;
  virtual void operator()(const char* key, std::string& value, const char* help) = 0;
  virtual void operator()(const char* key, std::string& value, const char* help, OneOf words) = 0;
  // An integer or the word `auto` (no value).
  virtual void operator()(const char* key, std::optional<int64_t>& value, const char* help,
                          Range range = {}) = 0;
  // Lists. A single scalar is read as a list of one.
  virtual void operator()(const char* key, std::vector<std::string>& value, const char* help) = 0;
  virtual void operator()(const char* key, std::vector<int64_t>& value, const char* help,
                          Range range = {}) = 0;
  // Named lists of texts, in the order of the file: `variants: {dense: [model.moe=none]}`.
  using NamedLists = std::vector<std::pair<std::string, std::vector<std::string>>>;
  virtual void operator()(const char* key, NamedLists& value, const char* help) = 0;
  virtual void operator()(const char* key, KindChoice& value, const char* help) = 0;

  // A nested struct.
  template <class Section>
  void section(const char* key, Section& value, const char* help) {
    visit_section(key, help, [&value](Fields& f) { value.fields(f); });
  }
  // A nested struct that may be the word `none` (no value); a mapping starts from its defaults.
  template <class Section>
  void section(const char* key, std::optional<Section>& value, const char* help) {
    Optional slot{[&value] { return value.has_value(); }, [&value] { value.reset(); },
                  [&value] { value.emplace(); }, [&value](Fields& f) { value->fields(f); },
                  [](Fields& f) {
                    Section defaults;
                    defaults.fields(f);
                  }};
    visit_optional(key, help, slot);
  }
  // Every named struct begins from its defaults. What is given replaces the whole list; the word
  // `none` in the place of one leaves that one out, so that an override can.
  template <class Section>
  void sections(const char* key, NamedSections<Section>& value, const char* help) {
    Named slot{[&value] {
                 std::vector<std::string> names;
                 for (const auto& each : value) names.push_back(each.first);
                 return names;
               },
               [&value] { value.clear(); },
               [&value](const std::string& name) { value.emplace_back(name, Section{}); },
               [&value](size_t index, Fields& f) { value[index].second.fields(f); },
               [](Fields& f) {
                 Section defaults;
                 defaults.fields(f);
               }};
    visit_named(key, help, slot);
  }

 protected:
  struct Optional {
    std::function<bool()> present;
    std::function<void()> reset;
    std::function<void()> fill;                   // with defaults
    std::function<void(Fields&)> visit;           // requires present()
    std::function<void(Fields&)> visit_defaults;  // for help
  };
  struct Named {
    std::function<std::vector<std::string>()> names;
    std::function<void()> clear;
    std::function<void(const std::string& name)> add;     // at the end, with defaults
    std::function<void(size_t index, Fields&)> visit;     // of the one at that place
    std::function<void(Fields&)> visit_defaults;          // for help
  };
  virtual void visit_section(const char* key, const char* help,
                             const std::function<void(Fields&)>& fields) = 0;
  virtual void visit_optional(const char* key, const char* help, const Optional& slot) = 0;
  virtual void visit_named(const char* key, const char* help, const Named& slot) = 0;
};

}  // namespace moe

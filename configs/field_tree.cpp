#include "configs/field_tree.h"

#include "configs/expectations.h"
#include "configs/scalar.h"
#include "configs/yaml_text.h"

namespace moe {
namespace {

class Describer final : public Fields {
 public:
  std::vector<FieldInfo> fields;

  void operator()(const char* key, int64_t& value, const char* help, Range range) override {
    leaf(key, help, an_integer(range), std::to_string(value));
  }
  void operator()(const char* key, double& value, const char* help, Range range) override {
    leaf(key, help, a_number(range), number_text(value));
  }
  void operator()(const char* key, bool& value, const char* help) override {
    leaf(key, help, kTrueOrFalse, value ? "true" : "false");
  }
  void operator()(const char* key, std::string& value, const char* help) override {
    leaf(key, help, kText, yaml_text(value));
  }
  void operator()(const char* key, std::string& value, const char* help, OneOf words) override {
    leaf(key, help, a_word(words), yaml_text(value));
  }
  void operator()(const char* key, std::optional<int64_t>& value, const char* help,
                  Range range) override {
    leaf(key, help, auto_or_integer(range), value ? std::to_string(*value) : "auto");
  }
  void operator()(const char* key, std::vector<std::string>& value, const char* help) override {
    leaf(key, help, kListOfTexts, yaml_list(value));
  }
  void operator()(const char* key, std::vector<int64_t>& value, const char* help,
                  Range range) override {
    std::vector<std::string> items;
    for (const int64_t item : value) items.push_back(std::to_string(item));
    leaf(key, help, a_list_of_integers(range), in_brackets("[", items, "]"));
  }
  void operator()(const char* key, NamedLists& value, const char* help) override {
    FieldInfo& info = add(FieldInfo::kNamed, key, help, kNamedLists);
    std::vector<std::string> items;
    for (const auto& [name, list] : value) {
      info.named.emplace_back(yaml_text(name), yaml_list(list));
      items.push_back(info.named.back().first + ": " + info.named.back().second);
    }
    info.value = in_brackets("{", items, "}");
  }
  void operator()(const char* key, KindChoice& value, const char* help) override {
    FieldInfo& info = add(FieldInfo::kChosen, key, help, join_or(kind_names(*value.list)));
    info.value = yaml_text(value.kind);
    info.fields = describe_fields([&value](Fields& f) { value.config->fields(f); });
    for (const Kind& kind : *value.list) {
      FieldInfo each;
      each.shape = FieldInfo::kStruct;
      each.key = kind.name;
      each.help = kind.help;
      const auto defaults = kind.defaults();
      each.fields = describe_fields([&defaults](Fields& f) { defaults->fields(f); });
      info.kinds.push_back(std::move(each));
    }
  }

 protected:
  void visit_section(const char* key, const char* help,
                     const std::function<void(Fields&)>& visit) override {
    add(FieldInfo::kStruct, key, help, kSection).fields = describe_fields(visit);
  }
  void visit_optional(const char* key, const char* help, const Optional& slot) override {
    FieldInfo& info = add(FieldInfo::kOptionalStruct, key, help, kOptionalSection);
    info.present = slot.present();
    info.value = info.present ? "" : "none";
    info.fields = describe_fields(info.present ? slot.visit : slot.visit_defaults);
  }
  void visit_named(const char* key, const char* help, const Named& slot) override {
    FieldInfo& info = add(FieldInfo::kNamedStructs, key, help, kNamedSections);
    const std::vector<std::string> names = slot.names();
    std::vector<std::string> shown;
    for (size_t i = 0; i < names.size(); ++i) {
      FieldInfo& each = info.fields.emplace_back();
      each.shape = FieldInfo::kStruct;
      each.key = names[i];
      each.fields = describe_fields([&](Fields& f) { slot.visit(i, f); });
      shown.push_back(yaml_text(names[i]));
    }
    info.value = in_brackets("{", shown, "}");
    FieldInfo& any = info.any_name.emplace_back();
    any.shape = FieldInfo::kOptionalStruct;
    any.key = "<name>";
    any.help = "as many as you like, under names of your own; none leaves one out";
    any.expected = kOptionalSection;
    any.fields = describe_fields(slot.visit_defaults);
  }

 private:
  FieldInfo& add(FieldInfo::Shape shape, const char* key, const char* help,
                 const std::string& expected) {
    FieldInfo& info = fields.emplace_back();
    info.shape = shape;
    info.key = key;
    info.help = help;
    info.expected = expected;
    return info;
  }
  void leaf(const char* key, const char* help, const std::string& expected,
            const std::string& value) {
    add(FieldInfo::kLeaf, key, help, expected).value = value;
  }
};

}  // namespace

std::vector<FieldInfo> describe_fields(const std::function<void(Fields&)>& visit) {
  Describer describer;
  visit(describer);
  return std::move(describer.fields);
}

const FieldInfo* find_field(const std::vector<FieldInfo>& fields, const std::string& key) {
  for (const FieldInfo& field : fields) {
    if (field.key == key) return &field;
  }
  return nullptr;
}

const FieldInfo* find_below(const FieldInfo& section, const std::string& key) {
  if (!section.any_name.empty()) return &section.any_name.front();
  if (const FieldInfo* field = find_field(section.fields, key)) return field;
  for (const FieldInfo& kind : section.kinds) {
    if (const FieldInfo* field = find_field(kind.fields, key)) return field;
  }
  return nullptr;
}

std::vector<std::string> keys_of(const std::vector<FieldInfo>& fields) {
  std::vector<std::string> keys;
  for (const FieldInfo& field : fields) keys.push_back(field.key);
  return keys;
}

std::string path_of_key(const std::vector<FieldInfo>& fields, const std::string& key) {
  if (find_field(fields, key) != nullptr) return key;
  for (const FieldInfo& field : fields) {
    std::string below = path_of_key(field.any_name.empty() ? field.fields : field.any_name, key);
    for (const FieldInfo& kind : field.kinds) {
      if (below.empty()) below = path_of_key(kind.fields, key);
    }
    if (!below.empty()) return field.key + "." + below;
  }
  return "";
}

}  // namespace moe

#include "data/formats/json_text.h"

#include <algorithm>
#include <limits>
#include <set>
#include <vector>

#include "configs/errors.h"
#include "data/formats/file.h"
#include "data/printable.h"

namespace moe {
namespace {

// Sees each event of the parser and ends it by throwing.
class Watch {
 public:
  Watch(const std::string& name, const JsonLimits& limits) : name_(name), limits_(limits) {}

  bool operator()(Json::parse_event_t event, const Json& parsed) {
    using Event = Json::parse_event_t;
    switch (event) {
      case Event::object_start:
      case Event::array_start:
        if (open_.size() == limits_.depth) refuse("levels of nesting", limits_.depth);
        open_.emplace_back();
        count();
        break;
      case Event::object_end:
      case Event::array_end:
        open_.pop_back();
        break;
      case Event::key:
        add_key(parsed.get_ref<const std::string&>());
        break;
      case Event::value:
        count();
        break;
    }
    return true;
  }

 private:
  void count() {
    if (++values_ > limits_.values) refuse("values", limits_.values);
  }
  void add_key(const std::string& key) {
    auto& keys = open_.back();
    if (!keys.insert(key).second) {
      throw RunError(name_ + ": expected every key once, found " + in_quotes(key) + " twice");
    }
    if (keys.size() > limits_.members) refuse("keys in one object", limits_.members);
  }
  [[noreturn]] void refuse(const char* what, size_t most) const {
    throw RunError(name_ + ": expected at most " + std::to_string(most) + " " + what +
                   ", found more");
  }

  const std::string& name_;
  const JsonLimits& limits_;
  std::vector<std::set<std::string>> open_;  // keys of the objects that are open; of lists none
  size_t values_ = 0;
};

const Json& value_at(const Json& object, const std::string& key, const std::string& name,
                     const char* expected) {
  const auto found = object.find(key);
  if (found == object.end()) {
    throw RunError(name + ": " + key + ": expected " + expected + ", found none");
  }
  return *found;
}

[[noreturn]] void wrong_value(const Json& value, const std::string& key, const std::string& name,
                              const char* expected) {
  const auto text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  throw RunError(name + ": " + key + ": expected " + expected + ", found " + in_quotes(text));
}

}  // namespace

Json parse_json_object(std::string_view text, const std::string& name, const JsonLimits& limits) {
  const size_t start = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  // The parser would step over a byte-order mark, and take a NUL for the end of the text.
  if (start == text.size() || text[start] != '{') {
    throw RunError(name + ": expected a JSON object, found " +
                   in_quotes(std::string(text.substr(start, 400))));
  }
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos) {
    throw RunError(name + ": expected JSON, found a NUL at byte " + std::to_string(nul + 1));
  }
  Watch watch(name, limits);
  try {
    return Json::parse(text.begin(), text.end(),
                       [&watch](int, Json::parse_event_t event, Json& parsed) {
                         return watch(event, parsed);
                       });
  } catch (const Json::parse_error& error) {
    throw RunError(name + ": expected JSON, found an error at byte " + std::to_string(error.byte));
  } catch (const Json::out_of_range&) {
    throw RunError(name + ": expected numbers that fit double precision, found a larger one");
  }
}

Json read_json_object(const std::string& path, uint64_t longest, const JsonLimits& limits) {
  return parse_json_object(read_text_file(path, longest), in_quotes(path), limits);
}

int64_t count_at(const Json& object, const std::string& key, const std::string& name) {
  constexpr const char* kExpected = "a whole number from 0 on";
  const Json& value = value_at(object, key, name, kExpected);
  constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (!value.is_number_unsigned() || value.get<uint64_t>() > kMost) {
    wrong_value(value, key, name, kExpected);
  }
  return value.get<int64_t>();
}

double number_at(const Json& object, const std::string& key, const std::string& name) {
  const Json& value = value_at(object, key, name, "a number");
  if (!value.is_number()) wrong_value(value, key, name, "a number");
  return value.get<double>();
}

std::string text_at(const Json& object, const std::string& key, const std::string& name) {
  const Json& value = value_at(object, key, name, "a text");
  if (!value.is_string()) wrong_value(value, key, name, "a text");
  return value.get<std::string>();
}

}  // namespace moe

#include "configs/unknown_key.h"

#include <algorithm>

#include "configs/suggest.h"

namespace moe {
namespace {

// The known key that was meant by `steps:5`, which YAML takes for a key called 'steps:5'.
std::string hint(const std::string& key, const std::vector<std::string>& known) {
  const size_t colon = key.find(':');
  const bool glued = colon != std::string::npos &&
                     std::find(known.begin(), known.end(), key.substr(0, colon)) != known.end();
  return glued ? ": write a space after the ':'" : did_you_mean(key, known);
}

}  // namespace

std::string about_unknown_key(const std::string& key, const std::vector<std::string>& known,
                              const std::vector<FieldInfo>& all) {
  const std::string guess = hint(key, known);
  if (!guess.empty()) return "unknown key" + guess;
  const std::string elsewhere = path_of_key(all, key);
  if (!elsewhere.empty()) return "unknown key (did you mean '" + elsewhere + "'?)";
  return "unknown key: expected " + (known.empty() ? "none" : join_or(known));
}

std::string about_unknown_key_of_kind(const std::string& key, const std::vector<std::string>& known,
                                      const KindList& kinds, const std::string& kind) {
  std::vector<std::string> owners;
  for (const Kind& each : kinds) {
    const auto config = each.defaults();
    const auto fields = describe_fields([&config](Fields& f) { config->fields(f); });
    if (find_field(fields, key) != nullptr) owners.push_back("'" + each.name + "'");
  }
  const std::string unknown = "unknown key for kind '" + kind + "'";
  if (!owners.empty()) return unknown + ": it belongs to kind " + join_or(owners);
  const std::string guess = hint(key, known);
  return unknown + (guess.empty() ? ": expected " + join_or(known) : guess);
}

}  // namespace moe

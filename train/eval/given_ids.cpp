#include "train/eval/given_ids.h"

#include <algorithm>
#include <limits>

#include "configs/errors.h"
#include "configs/suggest.h"
#include "data/formats/file.h"
#include "data/formats/json_text.h"
#include "data/printable.h"

namespace moe {
namespace {

constexpr uint64_t kLongestIds = uint64_t{1} << 28;                // bytes of the file
constexpr JsonLimits kIdsLimits = {4, size_t{1} << 24, 16};
constexpr int64_t kMostOfAnything = std::numeric_limits<int32_t>::max();  // of positions and segments

class IdsReader {
 public:
  IdsReader(const std::string& path, int64_t vocabulary, int64_t context)
      : name_("--token-ids: " + in_quotes(path)), vocabulary_(vocabulary), context_(context) {
    auto text = read_text_file(path, kLongestIds);
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first != std::string::npos && text[first] == '[') text = "{\"token_ids\": " + text + "}";
    file_ = parse_json_object(text, name_, kIdsLimits);
  }

  Batch batch() const {
    const std::vector<std::string> keys = {"token_ids", "prefix", "positions", "segments"};
    for (const auto& [key, value] : file_.items()) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
        throw RunError(name_ + ": expected the keys " + join(keys) + ", found " + in_quotes(key) +
                       did_you_mean(key, keys));
      }
    }
    Batch batch;
    batch.tokens = plane("token_ids", vocabulary_ - 1, batch.rows, batch.length);
    batch.targets.assign(batch.tokens.size(), Batch::kNoTarget);
    if (file_.contains("positions")) batch.positions = plane("positions", context_ - 1, batch.rows, batch.length);
    if (file_.contains("segments")) batch.segments = plane("segments", kMostOfAnything, batch.rows, batch.length);
    if (file_.contains("prefix")) batch.prefix = prefixes(batch.rows, batch.length);
    return batch;
  }

 private:
  [[noreturn]] void refuse(const std::string& place, const std::string& expected, const Json& found) const {
    const auto text = found.dump(-1, ' ', false, Json::error_handler_t::replace);
    throw RunError(name_ + ": " + place + ": expected " + expected + ", found " + in_quotes(text));
  }
  int64_t whole(const Json& value, int64_t most, const std::string& place) const {
    if (!value.is_number_unsigned() || value.get<uint64_t>() > static_cast<uint64_t>(most)) {
      refuse(place, "a whole number from 0 to " + std::to_string(most), value);
    }
    return value.get<int64_t>();
  }
  // Numbers of `rows` rows of `length`, which the first plane says.
  std::vector<int64_t> plane(const std::string& key, int64_t most, int64_t& rows, int64_t& length) const {
    const auto found = file_.find(key);
    if (found == file_.end()) throw RunError(name_ + ": " + key + ": expected a list of rows, found none");
    const bool first = rows == 0;
    if (!found->is_array() || found->empty()) refuse(key, "a list of rows", *found);
    const auto size = static_cast<int64_t>(found->size());
    if (!first && size != rows) refuse(key, std::to_string(rows) + " rows, as token_ids has", size);
    std::vector<int64_t> values;
    for (const auto& row : *found) {
      const auto place = key + "[" + std::to_string(&row - &found->front()) + "]";
      if (!row.is_array() || row.empty()) refuse(place, "a row of numbers", row);
      const auto tokens = static_cast<int64_t>(row.size());
      if (length == 0) length = tokens;
      if (tokens != length) refuse(place, "as many numbers as the first row has, " + std::to_string(length), tokens);
      if (tokens > context_) refuse(place, "at most " + std::to_string(context_) + " numbers, the context", tokens);
      for (const auto& value : row) {
        values.push_back(whole(value, most, place + "[" + std::to_string(&value - &row.front()) + "]"));
      }
    }
    rows = size;
    return values;
  }
  std::vector<uint8_t> prefixes(int64_t rows, int64_t length) const {
    const auto& given = file_.at("prefix");
    if (given.is_array() && static_cast<int64_t>(given.size()) != rows) {
      refuse("prefix", "a number, or one of each of the " + std::to_string(rows) + " rows", given);
    }
    std::vector<uint8_t> flags;
    for (int64_t row = 0; row < rows; ++row) {
      const auto index = static_cast<size_t>(row);
      const int64_t prefix = given.is_array() ? whole(given[index], length, "prefix[" + std::to_string(row) + "]")
                                              : whole(given, length, "prefix");
      for (int64_t place = 0; place < length; ++place) flags.push_back(place < prefix ? 1 : 0);
    }
    return flags;
  }

  std::string name_;
  int64_t vocabulary_, context_;
  Json file_;
};

}  // namespace

Batch read_token_ids(const std::string& path, int64_t vocabulary, int64_t context) {
  return IdsReader(path, vocabulary, context).batch();
}

}  // namespace moe

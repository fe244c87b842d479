// Text to token ids and back.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/special_ids.h"
#include "data/printable.h"  // what decode() returns, for a terminal

namespace moe {

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  virtual int64_t vocabulary() const = 0;  // V, ids are in [0, V)
  int64_t end_id() const { return special_ids().end; }  // end of text, and padding
  virtual SpecialIds special_ids() const = 0;
  virtual std::vector<int64_t> encode(const std::string& text) const = 0;
  // The bytes, as they are; special ids (end, modes, sentinels) decode to nothing.
  virtual std::string decode(const std::vector<int64_t>& ids) const = 0;
};

// `name` is one of data.tokenizer's words ("byte"); throws ConfigError for another.
std::unique_ptr<Tokenizer> make_tokenizer(const std::string& name);

}  // namespace moe

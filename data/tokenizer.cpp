#include "data/tokenizer.h"

#include "configs/errors.h"
#include "data/byte_tokenizer.h"

namespace moe {

std::unique_ptr<Tokenizer> make_tokenizer(const std::string& name) {
  if (name == "byte") return std::make_unique<ByteTokenizer>();
  throw ConfigError("data.tokenizer: expected 'byte', found " + in_quotes(name));
}

}  // namespace moe

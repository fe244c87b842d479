// SHA-256 of bytes that come in pieces.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace moe {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void update(std::string_view bytes);
  std::string hex();  // lower case, 64 characters; ends the sum: call once

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace moe

#include "train/routed/token_classes.h"

namespace moe {

int64_t byte_class(int64_t id) {
  if (id < 0 || id > 255) return 9;
  if (id >= 'a' && id <= 'z') return 0;
  if (id >= 'A' && id <= 'Z') return 1;
  if (id >= '0' && id <= '9') return 2;
  if (id == ' ' || id == '\t') return 3;
  if (id == '\n' || id == '\r') return 4;
  if (id < 0x20 || id == 0x7F) return 8;
  if (id < 0x80) return 5;
  return id < 0xC0 ? 7 : 6;
}

}  // namespace moe

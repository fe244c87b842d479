// Kinds of bytes: the coarsest thing that an expert can be a specialist for.
#pragma once

#include <array>
#include <cstdint>

namespace moe {

// In the order of byte_class(). A byte's class is its own and not its character's: "é" is a lead byte
// and a continuation byte. `special` is every id that is no byte (the end of a document, modes).
inline constexpr std::array<const char*, 10> kByteClasses = {
    "lower", "upper",     "digit",             "space",   "newline",
    "punctuation", "utf8_lead", "utf8_continuation", "control", "special"};

// The place in kByteClasses of a token of the byte vocabulary.
int64_t byte_class(int64_t id);

}  // namespace moe

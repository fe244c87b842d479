// Where the documents of a text end, so that tokens of one see nothing of another.
//
// A document ends with its file, and after every separator, which belongs to the document before
// it. Separators that touch or overlap ("\n\n\n" where "\n\n" separates) are one end, after the
// last of them: there are no empty documents. Whether a document ends at a place depends on the bytes
// within one separator's length around it alone, so a row is cut without reading from the start.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/text_run.h"

namespace moe {

// How a dataset divides its rows.
struct Documents {
  bool divide = false;
  std::string separator;  // empty: documents end with their files alone
};

// Places right after a separator that ends a document, ascending. Nothing for an empty separator.
std::vector<int64_t> separator_ends(std::string_view text, std::string_view separator);

// Ends of documents in (begin, end] of the run, as lengths from `begin`, ascending: 5 says that
// byte begin + 4 is a document's last. Throws RunError.
std::vector<int64_t> document_ends(const TextRun& run, int64_t begin, int64_t end,
                                   const std::string& separator);

}  // namespace moe

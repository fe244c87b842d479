// What routed text and --ranks add to moe-diagnose's report, as tables and sentences that the text and the
// page share.
#pragma once

#include <string>
#include <vector>

#include "train/diagnose/diagnose.h"
#include "train/text_table.h"

namespace moe {

// A row for each layer with the figures of routed tokens; without rows where no text was routed.
TextTable routing_table(const Diagnosis& diagnosis);

// For each layer which experts go together, and for which kinds of bytes and which sources an expert is
// a specialist. Nothing for layers where there is nothing to say.
std::vector<std::string> specialist_lines(const Diagnosis& diagnosis);

// A row for each layer with the load of ranks, as bars of at most `bars` characters (none for 0);
// without rows unless --ranks was given.
TextTable rank_table(const Diagnosis& diagnosis, size_t bars);

// What --against compares with, in two lines, and what the ranks hold; or nothing.
std::string reference_sentence(const Diagnosis& diagnosis);
std::string rank_sentence(const Diagnosis& diagnosis);

// All of it for a terminal, beginning with an empty line; empty where there is none.
std::string routing_text(const Diagnosis& diagnosis);

}  // namespace moe

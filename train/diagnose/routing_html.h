// What routed text and --ranks add to the page of moe-diagnose.
#pragma once

#include <string>

#include "train/diagnose/diagnose.h"

namespace moe {

// Tables and sentences as in the text, and heat maps of some layers: which experts go together, which
// kinds of bytes and sources they take. HTML; empty where no text was routed and no ranks were given.
std::string routing_blocks(const Diagnosis& diagnosis);

}  // namespace moe

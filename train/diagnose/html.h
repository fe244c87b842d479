// moe-diagnose --html: the same as a page of its own.
#pragma once

#include <string>

#include "train/diagnose/diagnose.h"

namespace moe {

// A complete document: findings, the table by layer, the load of every layer; of a run also load,
// slots and balance over time.
std::string diagnosis_html(const Diagnosis& diagnosis);

}  // namespace moe

// moe-diagnose's report for people.
#pragma once

#include <string>

#include "train/diagnose/diagnose.h"
#include "train/text_table.h"

namespace moe {

// What was looked at, in a line or two without newline at the end.
std::string diagnosis_head(const Diagnosis& diagnosis);

// A row for each layer; the load as bars of at most `bars` characters, left out for 0.
TextTable layer_table(const Diagnosis& diagnosis, size_t bars);

// "2 faults, 1 warning", or that it is healthy.
std::string verdict(const Diagnosis& diagnosis);

// Findings of one name, which may be of a thousand layers.
struct FindingGroup {
  std::string title;               // "fault dead_experts"
  std::vector<std::string> found;  // the first layers with their figures, and how many more there are
  std::string means;
  std::vector<std::string> advice;  // the first layer's
};
std::vector<FindingGroup> findings_by_name(const std::vector<Finding>& findings);

// All of it, and the conditions of --fail-on that hold.
std::string diagnosis_text(const Diagnosis& diagnosis);

}  // namespace moe

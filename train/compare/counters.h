// What a run had cost at one of its rows, by the names of axes.
//
//   step, tokens, target_tokens, flops, flops_executed, flops_attention, seconds, joules    the row's own counters
//   flops_without_attention      flops - flops_attention
//   total_tokens, ...            any of these but step and flops_executed, with what the checkpoint that a
//                                continued run began with had cost
#pragma once

#include <string>
#include <vector>

#include "train/compare/compute.h"
#include "train/compare/run_record.h"

namespace moe {

// Keys of metrics.jsonl that grow with training.
const std::vector<std::string>& row_counters();

// NaN where the row, or for a total the note about the checkpoint, does not say.
double counter_at(const RunRecord& run, const Json& row, const std::string& axis);

// The checkpoint's share of a total: 0 for a run that began with values of its own.
double counter_before(const RunRecord& run, const std::string& counter);

// "flops" by this convention: the axis of that name, or "flops_without_attention".
std::string flops_axis(AttentionFlops convention);

// The same for an axis: "total_flops" as "total_flops_without_attention". Others stay as they are.
std::string with_flops_axis(const std::string& axis, AttentionFlops convention);

// "total FLOPs without attention": how a chart or a table names an axis.
std::string axis_label(const std::string& axis);

}  // namespace moe

// moe-compare: what variants of a run reached, what it cost, and whether the difference is more
// than the spread over seeds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/formats/metrics_file.h"
#include "train/compare/variants.h"

namespace moe {

struct CompareOptions {
  std::vector<std::string> paths;        // folders of runs, or folders of such folders
  std::string baseline;                  // a variant, or a run's name or folder; empty: the first
  std::string metric = "bits_per_byte";  // a name of train/compare/metric_series.h
  int64_t over_time = 0;                 // points of training; 0: only the end
  std::string by = "step";              // of over_time: one of over_time_axes()
  std::string flops = "with_attention";  // a word of attention_flops()
  std::vector<std::string> curve = {};   // variants whose ends are the baseline's curve; none: its validations
  std::string control = "";              // a variant that all are held against; empty: each one's own
  std::string before = "";  // a run's folder, with records of what continued runs began with; empty: their own
};

// Runs named by the command line, and the baseline's where it is a folder beside them, as variants.
// Throws RunError for a path without runs or a run that cannot be read.
std::vector<Variant> read_variants(const CompareOptions& options);

// The JSON document that moe-compare --json prints. A figure that is missing or not finite is null.
//   metric, baseline  their names
//   flops             {convention, formula}: what FLOPs count; of savings, overhead and equal_cost
//   variants          a list, in the order of the command line, of
//     name, full_name   see train/compare/variants.h
//     seeds             those that have a value at the end of a finished run
//     value             {mean, sd, ci, n, unfinished}: final_value() of the metric over these seeds;
//                       runs of one seed count once, by their mean; ci is the 95 % confidence
//                       interval of the mean; `unfinished` runs have a value that is left out
//     difference        null for the baseline; {mean, ci, pairs, t, p, p_holm}: variant - baseline
//                       over common seeds, two-sided paired t test; without common seeds that of the
//                       means, and all null where measured_otherwise(); p_holm is p corrected for all variants that have one, by holm() of
//                       train/compare/statistics.h
//     cost              {step, tokens, flops (from live slots), flops_executed, seconds,
//                       steps_per_second}: up to the row of the final value (without one, the last
//                       row), mean over finished runs; where none is, over all
//     began_with        null unless continued; {tokens, target_tokens, flops, flops_without_attention, seconds,
//                       joules}: what the checkpoint had cost, everything before included; null: not known
//     total             the same of all training, `cost` included, with six_n_d (6 x active parameters x tokens), and
//                       kwh and kg_co2e of the joules, by the run's energy.pue and energy.kg_co2e_per_kwh
//     parameters        {total, active}: active once the gate is sparse
//     flops_per_token, flops_per_token_attention   of training once the gate is sparse, and attention's part of it
//     moe               null where dense; {experts, k} and, mean over layers, over the last tenth
//                       of the training rows and over the same runs, {slots_per_token,
//                       coincident_selectors, empty_tokens, dropped, max_vio, dead_experts}
//     runs              a list of {name, folder, seed, steps (planned), finished, value, cost, began_with (with
//                       `checkpoint` and `step`), total, moe}
//   savings           savings_figures() of train/compare/savings_figures.h  } each
//   overhead          overhead_figures() of train/compare/overhead.h        } where there
//   equal_cost        equal_cost_figures() of train/compare/equal_cost.h    } is something
//   transfer          transfer_figures() of train/compare/transfer.h        } to say
//   load              load_figures() of train/compare/load_shift.h          }
//   over_time         with --over-time: over_time() of train/compare/over_time.h
//   warnings          texts: what makes the figures hard to compare
// `variants` are read_variants(options). Throws RunError when no run has a row; ConfigError for a
// metric or a baseline that none of them has.
Json compare(const std::vector<Variant>& variants, const CompareOptions& options);

}  // namespace moe

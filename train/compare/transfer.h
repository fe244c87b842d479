// What continuing did to every task: before, after, and against a control that was continued as long.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "train/compare/variants.h"

namespace moe {

// What was measured of the checkpoint that the run began with: by the eval.jsonl of the folder `before`, or, where
// that is empty, of the run that wrote the checkpoint. The record of the checkpoint's step; of `before`, where it has
// none such, the last. None where there is no record, or the run is not continued. Throws RunError for a `before`
// without records, and for records that cannot be read.
std::optional<EvalRecord> evals_before(const RunRecord& run, const std::string& before);

// Of every continued variant with records of finished runs, a list of
//   {name, checkpoint, control, tasks}
//     control   the name of the variant it is held against: `control`, or where none is given matched_control()
//               (train/compare/twins.h); null without one
//     tasks     by name: {metric, better, before, after, sd, standard_error, n, delta, test, control}
//       after           mean over `n` seeds, with their standard deviation sd; standard_error is that of the task's
//                       items in one seed's record (the mean of the seeds')
//       delta           after - before, of the seeds that `test` is over where it is over seeds; null without a
//                       record of before, and where records have other settings (of the task files the task's own
//                       counts)
//       test            {over, mean, pairs, ci, t, p, p_holm} of after - before: over "seeds" where both have two
//                       at least, else over "items"; null without either, and where records have other settings
//       control         {after, delta, test}: the control's, this one's less the control's, and that paired
//                       likewise; null without
// Runs of one seed count once, by their mean. p_holm is corrected for all tests of the table that are of one kind
// (before, control). A test over items says nothing of other seeds. Null where no variant has such.
Json transfer_figures(const std::vector<Variant>& variants, std::optional<size_t> control);

}  // namespace moe

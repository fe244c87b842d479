#include "train/report/run_views.h"

#include <chrono>
#include <cmath>
#include <cstdio>

#include "configs/errors.h"
#include "data/formats/atomic_file.h"
#include "data/formats/metrics_file.h"
#include "data/printable.h"
#include "train/log.h"
#include "train/report/row_scalars.h"

namespace moe {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string row_record(const Json& row, double wall_time) {
  const auto scalars = row_scalars(row);
  return scalars.empty()
             ? ""
             : event_record(scalars_event(wall_time, row.value("step", int64_t{0}), scalars));
}

double seconds_of(const Json& row) {
  const auto found = row.find("seconds");
  return found != row.end() && found->is_number() ? found->get<double>() : 0;
}

}  // namespace

RunViews::RunViews(const std::string& folder, const RunConfig& config, double trained_seconds,
                   const Facts& more)
    : folder_(folder), config_(config), more_(more) {
  constexpr size_t kPiece = 1 << 20;
  const double start = now();
  if (config_.log.tensorboard) {
    begin_events(start);
  }
  bool any = false;
  std::string records;
  each_row(folder_ + "/metrics.jsonl", [&](const Json& row) {
    any = true;
    history_.add(row);
    if (!events_) {
      return;
    }
    // As far apart as they were trained: when they were written is not known any more.
    records += row_record(row, start - (trained_seconds - seconds_of(row)));
    if (records.size() >= kPiece) {
      append_events(records);
      records.clear();
    }
  });
  append_events(records);
  if (any) {
    write_report();
  }
}

template <class Action>
void RunViews::or_without_events(Action action) {
  try {
    action();
  } catch (const RunError& problem) {
    events_.reset();
    log_warning(std::string(problem.what()) +
                "; training goes on without TensorBoard's event file, which the next start of the "
                "run writes anew");
  }
}

// A killed run's event files go past its last checkpoint, and those steps are done again. Not every
// viewer heeds TensorFlow's mark of a restart, so the files are written anew, from the rows that
// were kept: then no reader can find a step twice. The mark is there for a viewer that is open
// meanwhile and holds the former points in its memory.
void RunViews::begin_events(double start) {
  for (const auto& former : event_files(folder_)) {
    std::remove(former.c_str());
  }
  or_without_events([&] {
    events_.emplace(folder_, start);
    events_->append(event_record(restart_event(start)));
  });
}

void RunViews::append_events(const std::string& records) {
  if (!records.empty()) {
    or_without_events([&] { events_->append(records); });
  }
}

void RunViews::add(const Json& row) {
  history_.add(row);
  if (events_) {
    append_events(row_record(row, now()));
  }
}

void RunViews::write_report() const {
  const auto path = folder_ + "/report.html";
  try {
    AtomicFile file(path, in_quotes(path));
    file.write(run_report(config_, history_, more_));
    file.commit();
  } catch (const std::exception& problem) {
    log_warning(std::string(problem.what()) + "; the report stays as it was");
  }
}

}  // namespace moe

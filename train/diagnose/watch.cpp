#include "train/diagnose/watch.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <iostream>
#include <optional>
#include <thread>

#include "configs/config_io.h"
#include "data/printable.h"
#include "train/diagnose/screen.h"
#include "train/diagnose/tail.h"
#include "train/diagnose/text.h"
#include "train/diagnose/view.h"
#include "train/interrupt.h"

namespace moe {
namespace {

namespace fs = std::filesystem;

constexpr int kInterval = 1000;  // milliseconds

std::string escape_of(ViewStyle style) {
  switch (style) {
    case ViewStyle::kPlain: return "";
    case ViewStyle::kTitle: return "\033[1m";
    case ViewStyle::kFault: return "\033[31m";
    case ViewStyle::kWarning: return "\033[33m";
  }
  return "";
}

std::string drawn(const std::vector<ViewLine>& view) {
  std::string text;
  for (size_t i = 0; i < view.size(); ++i) {
    const auto escape = escape_of(view[i].style);
    text += (i > 0 ? "\r\n" : "") + escape + view[i].text + (escape.empty() ? "" : "\033[0m") +
            "\033[K";
  }
  return text;
}

class Watch {
 public:
  explicit Watch(const std::string& folder) : tail_(folder + "/metrics.jsonl") {
    state_.folder = folder;
  }
  const WatchState& state() const { return state_; }

  // The rows that came since the last look.
  std::vector<Json> look() {
    const auto path = state_.folder + "/config.yaml";
    if (!state_.has_config && fs::exists(path)) {
      try {
        state_.config = load_config<RunConfig>(path);
      } catch (const ConfigError& problem) {
        throw RunError(in_quotes(path) + ": expected the config of a run:\n" + problem.what());
      }
      state_.has_config = true;
    }
    if (!state_.has_config) return {};
    const auto news = tail_.read();
    if (news.again) state_.forget_rows();
    for (const auto& row : news.rows) state_.add(row);
    state_.skipped = tail_.skipped();
    const auto now = std::chrono::steady_clock::now();
    if (!news.rows.empty()) last_row_ = now;
    state_.seconds_quiet = std::chrono::duration<double>(now - last_row_).count();
    return news.rows;
  }

 private:
  MetricsTail tail_;
  WatchState state_;
  std::chrono::steady_clock::time_point last_row_ = std::chrono::steady_clock::now();
};

// Until the run has finished (true) or somebody ends it.
bool watch_screen(Watch& watch) {
  Screen screen;
  while (!interrupted()) {
    watch.look();
    screen.draw(drawn(watch_view(watch.state(), screen.width(), screen.height())));
    if (watch.state().finished()) return true;
    if (screen.wait(kInterval)) return false;
  }
  return false;
}

bool watch_lines(Watch& watch) {
  bool waiting = false;
  while (!interrupted()) {
    for (const auto& row : watch.look()) {
      std::cout << watch_line(watch.state(), row) << std::endl;
    }
    if (!std::cout) return false;  // nobody reads any more
    if (watch.state().finished()) return true;
    if (watch.state().last_step() == 0 && !waiting) {
      waiting = true;
      std::cerr << "moe-diagnose: waiting for the first row in " + printable(watch.state().folder) + "/metrics.jsonl\n";
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(kInterval / 4));
  }
  return false;
}

}  // namespace

int watch_run(const std::string& folder) {
  auto path = folder;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (fs::exists(path + "/manifest.json")) {
    throw RunError(in_quotes(folder) + ": expected a run's folder for --watch, found a checkpoint: "
                                       "name the run's folder, or leave --watch out");
  }
  watch_for_interrupts();
  Watch watch(path);
  const bool finished = isatty(STDOUT_FILENO) != 0 ? watch_screen(watch) : watch_lines(watch);
  const auto& state = watch.state();
  if (finished && !state.rows.empty()) {
    std::cout << "\n" << diagnosis_text(diagnose_rows(path, state.config, state.rows))
              << std::flush;
  }
  return kDone;
}

}  // namespace moe

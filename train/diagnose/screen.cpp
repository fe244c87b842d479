#include "train/diagnose/screen.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

namespace moe {
namespace {

// A handler that does nothing lets the signal end poll(), which is all that is wanted of it.
void wake(int) {}

winsize window() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
    size.ws_col = 80;
    size.ws_row = 24;
  }
  return size;
}

}  // namespace

Screen::Screen() : keys_(isatty(STDIN_FILENO) != 0 && tcgetattr(STDIN_FILENO, &before_) == 0) {
  if (keys_) {
    // Without ISIG Ctrl-C is a key too, so that nothing ends the program on the other screen, and
    // Ctrl-Z does not leave it there.
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  struct sigaction action {};
  action.sa_handler = wake;
  sigaction(SIGWINCH, &action, nullptr);
  std::fputs("\033[?1049h\033[?25l\033[?7l", stdout);  // other screen, no cursor, no wrapping
}

Screen::~Screen() {
  std::fputs("\033[?7h\033[?25h\033[?1049l", stdout);
  std::fflush(stdout);
  if (keys_) tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

size_t Screen::width() const { return window().ws_col; }
size_t Screen::height() const { return window().ws_row; }

void Screen::draw(const std::string& lines) const {
  // Redrawn in place rather than cleared first, so that nothing flickers.
  std::fprintf(stdout, "\033[H%s\033[J", lines.c_str());
  std::fflush(stdout);
}

bool Screen::wait(int milliseconds) {
  pollfd input{keys_ ? STDIN_FILENO : -1, POLLIN, 0};
  if (poll(&input, 1, milliseconds) <= 0) return false;
  char key = 0;
  constexpr char kCtrlC = 3, kCtrlD = 4;
  if (read(STDIN_FILENO, &key, 1) <= 0) {
    keys_ = false;  // the terminal is gone
    return true;
  }
  return key == 'q' || key == 'Q' || key == kCtrlC || key == kCtrlD;
}

}  // namespace moe

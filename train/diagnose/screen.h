// The terminal while a live view has it: another screen, no echo, keys as they are pressed. All of
// it is undone when the object goes.
#pragma once

#include <termios.h>

#include <cstddef>
#include <string>

namespace moe {

class Screen {
 public:
  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  size_t width() const;
  size_t height() const;
  // From the top, each line cleared behind its text, and the rest of the screen below.
  void draw(const std::string& lines) const;
  // Waits for a key, a change of the window's size or the time to pass. True for a key that ends
  // the view: q, Ctrl-C, Ctrl-D.
  bool wait(int milliseconds);

 private:
  termios before_{};  // first: the next one's first value is what fills it
  bool keys_;         // whether standard input is a terminal
};

}  // namespace moe

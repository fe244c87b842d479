#include "train/launch/error_file.h"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>

#include "data/formats/json_text.h"
#include "train/log.h"

namespace moe {

void write_error_file(const std::string& path, const std::string& type, const std::string& message) noexcept {
  if (path.empty()) return;
  try {
    const Json error = {{"message",
                         {{"message", type + ": " + message},
                          {"extraInfo", {{"py_callstack", ""}, {"timestamp", std::to_string(std::time(nullptr))}}}}}};
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << error.dump(-1, ' ', false, Json::error_handler_t::replace);
    file.close();
    if (!file) {
      log_warning("TORCHELASTIC_ERROR_FILE: cannot write '" + path + "': " + std::strerror(errno));
    }
  } catch (...) {  // no memory, or a log that fails: nothing is left to say it with
  }
}

}  // namespace moe

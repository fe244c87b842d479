// TensorBoard's event files: scalars that its viewer, and every tool that reads its files, draws.
//
// A file is a sequence of records, each a length, a message and masked CRC-32C sums of both
// (TensorFlow's record format); a message is an Event of tensorflow/core/util/event.proto, of which
// the few fields that scalars need are written here by hand: a protobuf library for four fields
// would be the largest dependency of the project.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/formats/file.h"

namespace moe {

// CRC-32C (Castagnoli) of the bytes.
uint32_t crc32c(std::string_view bytes);

// A message with its length and checksums around it.
std::string event_record(std::string_view message);

using Scalars = std::vector<std::pair<std::string, double>>;  // tag, value

// Messages; `wall_time` in seconds since 1970.
std::string version_event(double wall_time);  // the first of every file
// Tells viewers to forget what they have read of this run at any step.
std::string restart_event(double wall_time);
std::string scalars_event(double wall_time, int64_t step, const Scalars& scalars);

// One file, which this object alone writes to.
class EventFile {
 public:
  // events.out.tfevents.<unix time>.<host>.<process>.<n> in the folder, never one that exists.
  // Throws RunError.
  EventFile(const std::string& folder, double wall_time);
  // Handed to the operating system at once. Throws RunError (a full disk), nothing half-written
  // stays.
  void append(std::string_view messages_as_records);
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  File file_;
};

// The event files of a folder.
std::vector<std::string> event_files(const std::string& folder);

}  // namespace moe

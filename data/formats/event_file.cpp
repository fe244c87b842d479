#include "data/formats/event_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <filesystem>

#include "configs/errors.h"
#include "data/printable.h"

namespace moe {
namespace {

constexpr const char* kPrefix = "events.out.tfevents.";

constexpr std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0u);
    }
    table[byte] = crc;
  }
  return table;
}

// A checksum over data that holds checksums of its own kind is weak; so the format turns and shifts
// them.
uint32_t masked(uint32_t crc) { return std::rotr(crc, 15) + 0xa282ead8u; }

template <class Value>
std::string little_endian(Value value) {
  std::string bytes;
  for (size_t i = 0; i < sizeof(Value); ++i) {
    bytes += static_cast<char>((value >> (8 * i)) & 0xFF);
  }
  return bytes;
}

// protobuf's wire types
enum Wire : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) {
    bytes += static_cast<char>((value & 0x7F) | 0x80);
  }
  return bytes + static_cast<char>(value);
}

std::string key(uint32_t field, Wire wire) { return varint(field << 3 | wire); }

std::string bytes_field(uint32_t field, std::string_view bytes) {
  return key(field, kBytes) + varint(bytes.size()) + std::string(bytes);
}

std::string wall_time_field(double seconds) {
  return key(1, kFixed64) + little_endian(std::bit_cast<uint64_t>(seconds));
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') {
    return "localhost";
  }
  std::string host = name.data();
  std::replace(host.begin(), host.end(), '/', '_');
  return host;
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  static constexpr auto kTable = crc_table();
  uint32_t crc = 0xFFFFFFFFu;
  for (const char c : bytes) {
    crc = (crc >> 8) ^ kTable[(crc ^ static_cast<unsigned char>(c)) & 0xFF];
  }
  return ~crc;
}

std::string event_record(std::string_view message) {
  const auto length = little_endian<uint64_t>(message.size());
  return length + little_endian(masked(crc32c(length))) + std::string(message) +
         little_endian(masked(crc32c(message)));
}

std::string version_event(double wall_time) {
  return wall_time_field(wall_time) + bytes_field(3, "brain.Event:2");
}

std::string restart_event(double wall_time) {
  const auto start = key(1, kVarint) + varint(1);  // SessionLog.status = START; at step 0
  return wall_time_field(wall_time) + bytes_field(7, start);
}

std::string scalars_event(double wall_time, int64_t step, const Scalars& scalars) {
  std::string summary;
  for (const auto& [tag, value] : scalars) {
    const auto number = std::bit_cast<uint32_t>(static_cast<float>(value));
    summary += bytes_field(1, bytes_field(1, tag) + key(2, kFixed32) + little_endian(number));
  }
  return wall_time_field(wall_time) + key(2, kVarint) + varint(static_cast<uint64_t>(step)) +
         bytes_field(5, summary);
}

EventFile::EventFile(const std::string& folder, double wall_time) {
  const auto start = folder + "/" + kPrefix + std::to_string(static_cast<int64_t>(wall_time)) +
                     "." + host_name() + "." + std::to_string(::getpid()) + ".";
  for (int number = 0; number < 1000; ++number) {
    path_ = start + std::to_string(number);
    file_ = File(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666));
    if (file_.descriptor() >= 0) {
      append(event_record(version_event(wall_time)));
      return;
    }
    if (errno != EEXIST) {
      break;
    }
  }
  throw RunError(in_quotes(path_) + ": cannot be created: " + error_text(errno));
}

void EventFile::append(std::string_view messages_as_records) {
  const auto name = in_quotes(path_);
  const int64_t before = file_size(file_, name);
  try {
    write_all(file_, messages_as_records, name);
  } catch (const RunError&) {
    // A torn record would end the file for every reader.
    if (::ftruncate(file_.descriptor(), before) != 0) {
      file_.close();
    }
    throw;
  }
}

std::vector<std::string> event_files(const std::string& folder) {
  std::vector<std::string> found;
  std::error_code unreadable;
  for (const auto& entry : std::filesystem::directory_iterator(folder, unreadable)) {
    if (entry.path().filename().string().starts_with(kPrefix)) {
      found.push_back(entry.path().string());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace moe

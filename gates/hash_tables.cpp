#include "gates/hash_tables.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <tuple>

#include "configs/errors.h"
#include "configs/utf8.h"
#include "gates/python_random.h"

namespace moe {
namespace {

[[noreturn]] void bad_line(const std::string& path, int64_t line, const std::string& problem) {
  throw RunError(path + ":" + std::to_string(line) + ": " + problem);
}

// Two integers with blanks between them and nothing else; false for any other line.
bool parse_pair(const std::string& line, int64_t& id, int64_t& count) {
  const char* at = line.data();
  const char* const end = at + line.size();
  for (int64_t* number : {&id, &count}) {
    const char* const from = at;
    while (at != end && (*at == ' ' || *at == '\t')) {
      ++at;
    }
    if (number == &count && at == from) {
      return false;
    }
    const auto parsed = std::from_chars(at, end, *number);
    if (parsed.ec != std::errc()) {
      return false;
    }
    at = parsed.ptr;
  }
  return line.find_first_not_of(" \t\r", static_cast<size_t>(at - line.data())) ==
         std::string::npos;
}

}  // namespace

HashTable random_table(int64_t vocabulary, int64_t experts, int64_t k, uint64_t seed) {
  PythonRandom random(seed);
  HashTable table(static_cast<size_t>(vocabulary * k));
  for (int64_t choice = 0; choice < k; ++choice) {
    for (int64_t id = 0; id < vocabulary; ++id) {
      const auto mine = table.begin() + id * k;
      // The n-th expert that is left is n plus the number of taken ones at or below it.
      int64_t expert = random.randrange(static_cast<uint32_t>(experts - choice));
      std::vector<int64_t> taken(mine, mine + choice);
      std::sort(taken.begin(), taken.end());
      for (const int64_t other : taken) {
        expert += other <= expert ? 1 : 0;
      }
      mine[choice] = expert;
    }
  }
  return table;
}

HashTable balanced_table(const std::vector<double>& counts, int64_t experts, int64_t k) {
  std::vector<size_t> ids(counts.size());
  std::iota(ids.begin(), ids.end(), size_t{0});
  std::stable_sort(ids.begin(), ids.end(),
                   [&](size_t a, size_t b) { return counts[a] > counts[b]; });
  struct Load {
    double count = 0;
    int64_t ids = 0, expert = 0;
  };
  const auto by_count = [](const Load& a, const Load& b) {
    return std::tie(a.count, a.ids, a.expert) < std::tie(b.count, b.ids, b.expert);
  };
  // Ids that were never seen weigh nothing: by count, all would go to one expert.
  const auto by_ids = [](const Load& a, const Load& b) {
    return std::tie(a.ids, a.count, a.expert) < std::tie(b.ids, b.count, b.expert);
  };
  std::vector<Load> loads(static_cast<size_t>(experts));
  for (int64_t e = 0; e < experts; ++e) {
    loads[static_cast<size_t>(e)].expert = e;
  }
  HashTable table(counts.size() * static_cast<size_t>(k));
  for (const size_t id : ids) {
    counts[id] > 0 ? std::partial_sort(loads.begin(), loads.begin() + k, loads.end(), by_count)
                   : std::partial_sort(loads.begin(), loads.begin() + k, loads.end(), by_ids);
    for (int64_t choice = 0; choice < k; ++choice) {
      auto& load = loads[static_cast<size_t>(choice)];
      table[id * static_cast<size_t>(k) + static_cast<size_t>(choice)] = load.expert;
      load.count += counts[id];
      ++load.ids;
    }
  }
  return table;
}

std::vector<double> read_frequencies(const std::string& path, int64_t vocabulary) {
  const std::string expected = "a text file of lines 'ID COUNT' for table: balanced";
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw RunError("gate.frequencies: '" + visible(path) + "': expected " + expected +
                   ", found something that is not a regular file");
  }
  std::ifstream file(path);
  if (!file) {
    throw RunError("gate.frequencies: '" + visible(path) + "': expected " + expected +
                   ", and it cannot be opened (" + std::strerror(errno) + ")");
  }
  std::vector<double> counts(static_cast<size_t>(vocabulary), -1);  // -1: not given
  std::string line;
  for (int64_t number = 1; std::getline(file, line); ++number) {
    const auto first = line.find_first_not_of(" \t\r");
    if (first == std::string::npos || line[first] == '#') {
      continue;
    }
    int64_t id = 0, count = 0;
    if (!parse_pair(line, id, count) || id < 0 || id >= vocabulary || count < 0) {
      bad_line(visible(path), number,
             "expected 'ID COUNT', a token id from 0 to " + std::to_string(vocabulary - 1) +
                 " and how often it occurs, found '" + visible(line, 40) + "'");
    }
    auto& mine = counts[static_cast<size_t>(id)];
    if (mine >= 0) {
      bad_line(visible(path), number,
             "token id " + std::to_string(id) + " is there already: give every id once");
    }
    mine = static_cast<double>(count);
  }
  if (*std::max_element(counts.begin(), counts.end()) <= 0) {
    throw RunError("gate.frequencies: '" + visible(path) + "': expected " + expected +
                   ", found none with a count above 0");
  }
  for (auto& count : counts) {
    count = std::max(count, 0.0);
  }
  return counts;
}

}  // namespace moe

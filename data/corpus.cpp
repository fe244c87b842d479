#include "data/corpus.h"

#include <algorithm>
#include <numeric>

#include "data/printable.h"

namespace moe {

std::shared_ptr<const Corpus> Corpus::open(const NamedPaths& named, const std::string& cache) {
  auto corpus = std::make_shared<Corpus>();
  corpus->key_ = named.key;
  corpus->files_.reserve(named.paths.size());
  for (const auto& path : named.paths) corpus->files_.emplace_back(path, named.key, cache);
  return corpus;
}

std::vector<int64_t> Corpus::text_bytes(bool joined) const {
  std::vector<int64_t> bytes;
  for (const auto& file : files_) bytes.push_back(file.bytes());
  if (joined) bytes = {std::accumulate(bytes.begin(), bytes.end(), int64_t{0})};
  return bytes;
}

std::vector<TextRun> Corpus::runs(const std::vector<FileRange>& ranges, bool joined) const {
  std::vector<TextRun> runs;
  for (const auto& range : ranges) {
    if (joined) {
      runs.push_back(joined_run(range.begin, range.end));
    } else {
      runs.emplace_back().append(files_[static_cast<size_t>(range.file)], range.begin, range.end);
    }
  }
  return runs;
}

TextRun Corpus::joined_run(int64_t begin, int64_t end) const {
  TextRun run;
  int64_t first = 0;  // byte of the present file among those of all
  for (const auto& file : files_) {
    run.append(file, std::clamp<int64_t>(begin - first, 0, file.bytes()),
               std::clamp<int64_t>(end - first, 0, file.bytes()));
    first += file.bytes();
  }
  return run;
}

std::string Corpus::names() const {
  const std::string first = in_quotes(files_.front().path());
  const size_t others = files_.size() - 1;
  return others == 0 ? first : first + " and " + std::to_string(others) + " more";
}

}  // namespace moe

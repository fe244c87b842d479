// Any bytes as overrides, one a line (an argument can hold no NUL), on top of a file that is right.
#include <sstream>

#include "tests/configs/sample_config.h"
#include "tests/fuzz/config_promises.h"
#include "train/run_config.h"

namespace moe {
namespace {

constexpr const char* kSample =
    "name: a\nmodel: {width: 64, moe: {experts: 4, gate: {kind: step, gamma: 2}}}\n"
    "sweep: {variants: {a: [b=1]}}\n";
constexpr const char* kRun =
    "data: {train: a.txt}\nmodel: {moe: {gate: {kind: dselect_k}}}\n";

std::vector<std::string> lines(const std::string& text) {
  std::istringstream stream(text.substr(0, text.find('\0')));
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line) && lines.size() < 64;) lines.push_back(line);
  return lines;
}

}  // namespace
}  // namespace moe

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto overrides = moe::lines(moe::text_of(data, size));
  moe::check_config_promises<moe::SampleConfig>(moe::kSample, overrides);
  moe::check_config_promises<moe::RunConfig>(moe::kRun, overrides);
  return 0;
}

#include "train/agree.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <sstream>

#include "configs/errors.h"

namespace moe {
namespace {

Tensor bytes_of(const std::string& text, int64_t length) {
  auto bytes = at::zeros({length}, at::kByte);                                                   // [length]
  std::memcpy(bytes.data_ptr(), text.data(), text.size());
  return bytes;
}

std::string text_of(const Tensor& bytes, int64_t length) {
  return {static_cast<const char*>(bytes.data_ptr()), static_cast<size_t>(length)};
}

// `elsewhere`: whether another rank is the one to print it.
template <class Error>
[[noreturn]] void throw_marked(Error error, bool elsewhere) {
  error.elsewhere = elsewhere;
  throw error;
}

[[noreturn]] void throw_as(ExitCode code, const std::string& text, bool elsewhere) {
  switch (code) {
    case kUsage: throw_marked(ConfigError(text), elsewhere);
    case kFailed: throw_marked(RunError(text), elsewhere);
    case kCheckFailed: throw_marked(CheckError(text), elsewhere);
    default: throw_marked(UserError(code, text), elsewhere);
  }
}

// What an action came to. As a text for other ranks: the exit code, and the result or the error's text.
struct Outcome {
  std::optional<std::string> result;
  ExitCode code = kDone;
  std::string error;

  std::string text() const {
    return result ? "0 " + *result : std::to_string(static_cast<int>(code)) + " " + error;
  }
  static Outcome from(const std::string& text) {
    const auto space = text.find(' ');
    const auto code = static_cast<ExitCode>(std::stoi(text.substr(0, space)));
    const auto rest = text.substr(space + 1);
    return code == kDone ? Outcome{rest, kDone, ""} : Outcome{std::nullopt, code, rest};
  }
};

// A RankFailure passes: it is not this rank's alone.
Outcome run(const std::function<std::string()>& action) {
  try {
    return {action(), kDone, ""};
  } catch (const RankFailure&) {
    throw;
  } catch (const UserError& error) {
    return {std::nullopt, error.exit_code(), error.what()};
  } catch (const c10::Error& error) {
    return {std::nullopt, kFailed, error.what_without_backtrace()};
  } catch (const std::exception& error) {
    return {std::nullopt, kFailed, error.what()};
  }
}

}  // namespace

std::vector<std::string> gather_texts(const RankGroup& group, const std::string& mine, const std::string& what) {
  if (group.alone()) return {mine};
  const int64_t R = group.size();
  const auto sizes = at::empty({R}, at::kLong);                                                  // [R]
  group.gather(sizes, at::full({1}, static_cast<int64_t>(mine.size()), at::kLong), what).wait();
  const auto* size = sizes.const_data_ptr<int64_t>();
  const auto longest = *std::max_element(size, size + R);
  const auto all = at::empty({R, longest}, at::kByte);                                           // [R, longest]
  group.gather(all, bytes_of(mine, longest), what).wait();
  std::vector<std::string> texts;
  for (int64_t r = 0; r < R; ++r) texts.push_back(text_of(all[r], size[r]));
  return texts;
}

std::vector<std::string> gather_names(const RankGroup& group, const std::vector<std::string>& mine,
                                      const std::string& what) {
  if (group.alone()) return mine;
  std::string lines;
  for (const auto& name : mine) lines += name + "\n";
  std::vector<std::string> names;
  for (const auto& text : gather_texts(group, lines, what)) {
    std::istringstream all(text);
    for (std::string name; std::getline(all, name);) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

std::string on_first_rank(const RankGroup& group, const std::string& what,
                          const std::function<std::string()>& action) {
  if (group.alone()) return action();
  const bool first = group.rank() == 0;
  const auto mine = first ? run(action).text() : "";
  const auto size = at::full({1}, static_cast<int64_t>(mine.size()), at::kLong);
  group.broadcast(size, 0, what).wait();
  const auto length = size.item<int64_t>();
  const auto bytes = bytes_of(mine, length);                                                     // [length]
  group.broadcast(bytes, 0, what).wait();
  const auto outcome = Outcome::from(text_of(bytes, length));
  if (!outcome.result) throw_as(outcome.code, outcome.error, !first);
  return *outcome.result;
}

int64_t number_on_first_rank(const RankGroup& group, const std::string& what,
                             const std::function<int64_t()>& action) {
  return std::stoll(on_first_rank(group, what, [&] { return std::to_string(action()); }));
}

void on_every_rank(const RankGroup& group, const std::string& what, const std::function<void()>& action) {
  if (group.alone()) return action();
  const auto mine = run([&] {
    action();
    return std::string();
  });
  // Texts of no length, which travel no further than their sizes, where all is well.
  const auto texts = gather_texts(group, mine.result ? "" : mine.text(), what);
  for (size_t r = 0; r < texts.size(); ++r) {
    if (texts[r].empty()) continue;
    const auto outcome = Outcome::from(texts[r]);
    throw_as(outcome.code, "rank " + std::to_string(r) + ": " + outcome.error, group.rank() != 0);
  }
}

bool on_any_rank(const RankGroup& group, const std::string& what, bool here) {
  const auto any = at::full({1}, static_cast<int64_t>(here), at::kLong);
  group.max(any, what).wait();
  return any.item<int64_t>() != 0;
}

}  // namespace moe

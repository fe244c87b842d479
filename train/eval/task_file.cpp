#include "train/eval/task_file.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "configs/errors.h"
#include "configs/suggest.h"
#include "data/formats/file.h"
#include "data/formats/json_text.h"
#include "data/formats/sha256.h"
#include "data/printable.h"

namespace moe {
namespace {

constexpr uint64_t kLongestTask = uint64_t{1} << 28;                       // bytes of the file
constexpr JsonLimits kTaskLimits = {16, size_t{1} << 22, size_t{1} << 16};  // an example with that many choices

// Reads one file's values, and says where one does not fit.
class TaskReader {
 public:
  explicit TaskReader(const std::string& path) : name_("--task: " + in_quotes(path)) {}

  const std::string& name() const { return name_; }

  [[noreturn]] void refuse(const std::string& place, const std::string& expected, const Json& found) const {
    const auto text = found.dump(-1, ' ', false, Json::error_handler_t::replace);
    throw RunError(name_ + ": " + place + ": expected " + expected + ", found " + in_quotes(text));
  }
  [[noreturn]] void refuse_missing(const std::string& place, const std::string& expected) const {
    throw RunError(name_ + ": " + place + ": expected " + expected + ", found none");
  }

  std::string text(const Json& value, const std::string& place) const {
    if (!value.is_string()) refuse(place, "a text", value);
    return value.get<std::string>();
  }
  // A text, or a list of at least one.
  std::vector<std::string> texts(const Json& value, const std::string& place) const {
    if (value.is_string()) return {value.get<std::string>()};
    if (!value.is_array() || value.empty()) refuse(place, "a text or a list of texts", value);
    std::vector<std::string> all;
    for (const auto& each : value) all.push_back(text(each, place + "[" + std::to_string(all.size()) + "]"));
    return all;
  }
  // Where the key is there.
  void read(const Json& object, const char* key, std::string& value) const {
    if (object.contains(key)) value = text(object.at(key), key);
  }
  void read(const Json& object, const char* key, bool& value) const {
    if (!object.contains(key)) return;
    if (!object.at(key).is_boolean()) refuse(key, "true or false", object.at(key));
    value = object.at(key).get<bool>();
  }

  TaskExample example(const Json& value, const std::string& place, const TaskFile& task) const {
    if (!value.is_object()) refuse(place, "an object", value);
    TaskExample made;
    if (!value.contains("input")) refuse_missing(place + ".input", "a text");
    made.input = text(value.at("input"), place + ".input");
    if (value.contains("target_scores")) {
      made.choices = choices(value.at("target_scores"), place + ".target_scores");
    } else if (task.multiple_choice) {
      refuse_missing(place + ".target_scores", "an object of choices, since metrics has multiple_choice_grade");
    }
    if (value.contains("target")) {
      made.targets = texts(value.at("target"), place + ".target");
    } else if (!made.choices.empty()) {
      made.targets = best_choices(made);
    } else {
      refuse_missing(place + ".target", "a text or a list of texts");
    }
    return made;
  }

 private:
  std::vector<std::pair<std::string, double>> choices(const Json& value, const std::string& place) const {
    if (!value.is_object() || value.size() < 2) refuse(place, "an object of at least two choices", value);
    std::vector<std::pair<std::string, double>> all;
    for (const auto& [choice, score] : value.items()) {
      const auto where = place + "." + printable(choice);
      if (!score.is_number() || !std::isfinite(score.get<double>())) refuse(where, "a finite number", score);
      if (choice.empty()) refuse(place, "choices that are not empty", value);
      all.emplace_back(choice, score.get<double>());
    }
    return all;
  }
  static std::vector<std::string> best_choices(const TaskExample& example) {
    const auto by_score = [](const auto& a, const auto& b) { return a.second < b.second; };
    const double best = std::max_element(example.choices.begin(), example.choices.end(), by_score)->second;
    std::vector<std::string> all;
    for (const auto& [choice, score] : example.choices) {
      if (score == best) all.push_back(choice);
    }
    return all;
  }

  std::string name_;
};

const std::vector<std::string> kScoredMetrics = {"multiple_choice_grade", "exact_str_match"};

void read_metrics_of(const Json& file, const TaskReader& reader, TaskFile& task) {
  if (!file.contains("metrics")) reader.refuse_missing("metrics", "a list with " + join_or(kScoredMetrics));
  for (const auto& metric : reader.texts(file.at("metrics"), "metrics")) {
    if (metric == kScoredMetrics[0]) {
      task.multiple_choice = true;
    } else if (metric == kScoredMetrics[1]) {
      task.exact_match = true;
    } else {
      task.not_scored.push_back(metric);
    }
  }
  if (!task.multiple_choice && !task.exact_match) {
    reader.refuse("metrics", "a list with " + join_or(kScoredMetrics), file.at("metrics"));
  }
  task.preferred_score = task.multiple_choice ? kScoredMetrics[0] : kScoredMetrics[1];
  reader.read(file, "preferred_score", task.preferred_score);
}

}  // namespace

TaskFile read_task(const std::string& path) {
  const TaskReader reader(path);
  const auto bytes = read_text_file(path, kLongestTask);
  const auto file = parse_json_object(bytes, reader.name(), kTaskLimits);
  TaskFile task;
  task.path = path;
  Sha256 sum;
  sum.update(bytes);
  task.sha256 = sum.hex();
  task.name = printable(std::filesystem::path(path).stem());
  reader.read(file, "name", task.title);
  read_metrics_of(file, reader, task);
  reader.read(file, "task_prefix", task.task_prefix);
  reader.read(file, "example_input_prefix", task.input_prefix);
  reader.read(file, "example_output_prefix", task.output_prefix);
  reader.read(file, "choice_prefix", task.choice_prefix);
  reader.read(file, "few_shot_example_separator", task.separator);
  reader.read(file, "append_choices_to_input", task.append_choices);
  if (!file.contains("examples")) reader.refuse_missing("examples", "a list of examples");
  const auto& examples = file.at("examples");
  if (!examples.is_array() || examples.empty()) reader.refuse("examples", "a list of examples", examples);
  for (const auto& example : examples) {
    const auto place = "examples[" + std::to_string(task.examples.size()) + "]";
    task.examples.push_back(reader.example(example, place, task));
  }
  return task;
}

}  // namespace moe

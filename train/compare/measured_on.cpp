#include "train/compare/measured_on.h"

#include "train/compare/metric_series.h"

namespace moe {
namespace {

bool begins_with(const std::string& text, const std::string& start) { return text.rfind(start, 0) == 0; }

// Of a text that is given for validation alone, what is trained on decides on nothing.
bool of_held_out_text(const DataConfig& data, const std::string& key) {
  const auto is_cut = [](const auto& source) { return source.valid.empty(); };
  bool cut = data.sources.empty() && is_cut(data);
  for (const auto& [name, source] : data.sources) {
    cut = cut || is_cut(source);
  }
  if (key == "data.valid_fraction" || key == "data.block_bytes" || key == "data.train") {
    return cut;
  }
  for (const auto& [name, source] : data.sources) {
    if (key == "data.sources." + name + ".train") {
      return is_cut(source);
    }
  }
  return begins_with(key, "data.");
}

ConfigLeaves validated_on(const RunRecord& run, const std::string& metric) {
  ConfigLeaves leaves;
  for (const auto& leaf : run.identity) {
    const auto& key = leaf.first;
    if (key == "train.eval_tokens" || key == "model.context" || of_held_out_text(run.config.data, key) ||
        (metric == "loss" && begins_with(key, "objective"))) {
      leaves.push_back(leaf);
    }
  }
  return leaves;
}

double number_or_zero(const Json& object, const std::string& key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() && found->is_number() ? found->get<double>() : 0;
}

ConfigLeaves recorded_on(const EvalTask& task, const std::string& name) {
  auto settings = task.settings;
  const auto text = settings.is_object() && settings.contains("text") ? settings.at("text") : Json();
  const double bytes = number_or_zero(text, "bytes");
  if (name == "causal.bits_per_byte" && bytes > 0 && number_or_zero(settings, "tokens") >= bytes) {
    settings.erase("context");
    settings["text"].erase("rows");
  }
  ConfigLeaves leaves;
  for (const auto& [key, value] : settings.items()) {
    leaves.emplace_back(key, value.dump());
  }
  return leaves;
}

std::vector<ConfigLeaves> recorded_on(const Variant& variant, const std::string& task) {
  std::vector<ConfigLeaves> all;
  for (const auto& run : variant.runs) {
    const auto* record = run.final_evals();
    if (record != nullptr && record->tasks.count(task) > 0) {
      all.push_back(recorded_on(record->tasks.at(task), task));
    }
  }
  return all;
}

}  // namespace

std::string measured_otherwise(const Variant& a, const Variant& b, const std::string& metric) {
  if (!is_eval_metric(metric)) {
    return is_train_metric(metric)
               ? ""
               : differing_keys(validated_on(a.first(), metric), validated_on(b.first(), metric));
  }
  const auto task = metric.substr(metric.find('.') + 1);
  auto all = recorded_on(a, task);
  for (auto& of_run : recorded_on(b, task)) {
    all.push_back(std::move(of_run));
  }
  for (const auto& of_run : all) {
    if (of_run != all.front()) {
      return differing_keys(all.front(), of_run);
    }
  }
  return "";
}

}  // namespace moe

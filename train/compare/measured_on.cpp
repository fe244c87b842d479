#include "train/compare/measured_on.h"

#include <algorithm>
#include <iterator>

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

template <class Keep>
ConfigLeaves leaves_where(const RunRecord& run, Keep keep) {
  ConfigLeaves leaves;
  std::copy_if(run.identity.begin(), run.identity.end(), std::back_inserter(leaves),
               [&](const auto& leaf) { return keep(leaf.first); });
  return leaves;
}

ConfigLeaves validated_on(const RunRecord& run, const std::string& metric) {
  const bool of_objective = metric == "loss" || (begins_with(metric, "objectives.") && metric != "objectives.causal");
  return leaves_where(run, [&](const std::string& key) {
    return key == "train.eval_tokens" || key == "model.context" || of_held_out_text(run.config.data, key) ||
           (of_objective && begins_with(key, "objective"));
  });
}

double number_or_zero(const Json& object, const std::string& key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() && found->is_number() ? found->get<double>() : 0;
}

// A run, and its last record's values of a task.
struct Recorded {
  const RunRecord* run;
  const EvalTask* task;
};

std::vector<Recorded> recorded(const Variant& variant, const std::string& task) {
  std::vector<Recorded> all;
  for (const auto& run : variant.runs) {
    const auto* record = run.final_evals();
    if (record != nullptr && record->tasks.count(task) > 0) {
      all.push_back({&run, &record->tasks.at(task)});
    }
  }
  return all;
}

bool is_of_all_text(const Json& settings) {
  const double bytes = settings.is_object() && settings.contains("text") ? number_or_zero(settings.at("text"), "bytes") : 0;
  return bytes > 0 && number_or_zero(settings, "tokens") >= bytes;
}

ConfigLeaves leaves_of(const Json& settings) {
  ConfigLeaves leaves;
  for (const auto& [key, value] : settings.items()) {
    leaves.emplace_back(key, value.dump());
  }
  return leaves;
}

// What two records were measured on, where it differs. Where both are of all of a text, the context that cut it into
// rows, and so the rows, decide on nothing of its bits; that a run's own text is the same one its config says.
std::string recorded_otherwise(const Recorded& a, const Recorded& b, const std::string& task) {
  auto left = a.task->settings, right = b.task->settings;
  if (task != "causal.bits_per_byte" || !is_of_all_text(left) || !is_of_all_text(right) ||
      left.value("context", Json()) == right.value("context", Json())) {
    return left == right ? "" : differing_keys(leaves_of(left), leaves_of(right));
  }
  for (auto* settings : {&left, &right}) {
    settings->erase("context");
    (*settings)["text"].erase("rows");
  }
  if (left != right) {
    return differing_keys(leaves_of(left), leaves_of(right));
  }
  const auto own_text = [](const RunRecord& run) {
    return leaves_where(run, [&](const std::string& key) { return of_held_out_text(run.config.data, key); });
  };
  const bool named = left.at("text").contains("data") && !left.at("text").at("data").is_null();
  return named ? "" : differing_keys(own_text(*a.run), own_text(*b.run));
}

}  // namespace

std::string measured_otherwise(const Variant& a, const Variant& b, const std::string& metric) {
  if (!is_eval_metric(metric)) {
    return is_train_metric(metric)
               ? ""
               : differing_keys(validated_on(a.first(), metric), validated_on(b.first(), metric));
  }
  const auto task = metric.substr(metric.find('.') + 1);
  auto all = recorded(a, task);
  const auto others = recorded(b, task);
  all.insert(all.end(), others.begin(), others.end());
  for (const auto& of_run : all) {
    if (auto differing = recorded_otherwise(all.front(), of_run, task); !differing.empty()) {
      return differing;
    }
  }
  return "";
}

std::string measuring_alike() {
  return "moe-eval RUN... --record with the same options (--data FILE where the text is another, --tokens of at least "
         "all of it where the context is) measures alike: --metric eval.causal.bits_per_byte";
}

}  // namespace moe

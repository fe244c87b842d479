// What moe-eval prints for people.
#include <algorithm>

#include "data/printable.h"
#include "train/diagnose/words.h"
#include "train/eval/eval.h"
#include "train/text_table.h"

namespace moe {
namespace {

// "0.4100 +- 0.0120"
std::string value_and_error(const Score& score) {
  const auto value = figure_text("%.4f", score.value);
  return score.standard_error ? value + " +- " + figure_text("%.4f", *score.standard_error) : value;
}

const Score* score_called(const CheckpointScores& scores, const std::string& name) {
  const auto found = std::find_if(scores.scores.begin(), scores.scores.end(),
                                  [&](const auto& each) { return each.first == name; });
  return found == scores.scores.end() ? nullptr : &found->second;
}

// The names of all, in the order of the first that has each.
std::vector<std::string> all_names(const std::vector<CheckpointScores>& all) {
  std::vector<std::string> names;
  for (const auto& scores : all) {
    for (const auto& [name, score] : scores.scores) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

// Checkpoints are columns, by number where there are several.
TextTable score_table(const std::vector<CheckpointScores>& all) {
  TextTable table{{"task"}, {}};
  for (size_t i = 0; i < all.size(); ++i) {
    table.head.push_back(all.size() == 1 ? "value +- standard error" : "(" + std::to_string(i + 1) + ")");
  }
  table.head.insert(table.head.end(), {"n", "better", "metric"});
  for (const auto& name : all_names(all)) {
    TextTable::Row row = {name};
    const Score* any = nullptr;
    for (const auto& scores : all) {
      const auto* score = score_called(scores, name);
      row.push_back(score == nullptr ? "" : value_and_error(*score));
      if (any == nullptr) any = score;
    }
    row.insert(row.end(), {std::to_string(any->items.size()), any->higher_is_better ? "higher" : "lower", any->metric});
    table.rows.push_back(std::move(row));
  }
  return table;
}

// max_vio by layer and objective, of one checkpoint.
TextTable load_of(const CheckpointScores& scores) {
  TextTable table{{"max_vio of layer"}, {}};
  for (const auto& [objective, layers] : scores.load) table.head.push_back(objective);
  for (const auto& [layer, first] : scores.load.begin()->second) {
    TextTable::Row row = {std::to_string(layer)};
    for (const auto& [objective, layers] : scores.load) row.push_back(figure_text("%.2f", layers.at(layer).max_vio));
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::string checkpoint_line(const CheckpointScores& scores, size_t number, size_t of) {
  const auto prefix = of == 1 ? "" : "(" + std::to_string(number + 1) + ") ";
  return prefix + printable(scores.checkpoint) + ", step " + std::to_string(scores.step) + ", loss " +
         figure_text("%.4f", scores.loss) + "\n";
}

}  // namespace

std::string scores_text(const std::vector<CheckpointScores>& all) {
  std::string text;
  for (size_t i = 0; i < all.size(); ++i) text += checkpoint_line(all[i], i, all.size());
  text += "\n" + score_table(all).plain();
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].load.empty()) continue;
    text += "\n" + (all.size() == 1 ? "" : checkpoint_line(all[i], i, all.size())) + load_of(all[i]).plain();
  }
  bool first = true;
  for (const auto& scores : all) {
    for (const auto& note : scores.notes) {
      text += (first ? "\n" : "") + ("note: " + note) + "\n";
      first = false;
    }
  }
  return text;
}

}  // namespace moe

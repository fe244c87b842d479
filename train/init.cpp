#include "train/init.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "configs/config_io.h"
#include "train/agree.h"
#include "train/checkpoint.h"
#include "train/checkpoint_state.h"
#include "train/init_differences.h"
#include "train/log.h"
#include "train/parameter_groups.h"
#include "train/parameter_places.h"
#include "train/upcycle.h"

namespace moe {
namespace {

// "init.from: " before what finding and reading a checkpoint says.
template <class Action>
auto about_init(Action action) {
  try {
    return action();
  } catch (const RankFailure&) {
    throw;
  } catch (const UserError& problem) {
    UserError about(problem.exit_code(), std::string("init.from: ") + problem.what());
    about.elsewhere = problem.elsewhere;
    throw about;
  }
}

// layers.3.feed_forward.gate.weight -> layers.*.feed_forward.gate.weight
std::string of_all_layers(const std::string& name) {
  const std::string layers = "layers.";
  const auto dot = name.rfind(layers, 0) == 0 ? name.find('.', layers.size()) : std::string::npos;
  return dot == std::string::npos ? name : layers + "*" + name.substr(dot);
}

// "layers.*.feed_forward.gate.weight (2), head"
std::string grouped(const std::vector<std::string>& names) {
  std::vector<std::string> order;
  std::map<std::string, int64_t> counts;
  for (const auto& name : names) {
    const auto pattern = of_all_layers(name);
    if (counts[pattern]++ == 0) {
      order.push_back(pattern);
    }
  }
  std::string text;
  for (const auto& pattern : order) {
    text += (text.empty() ? "" : ", ") + pattern;
    if (pattern.find('*') != std::string::npos) {
      text += " (" + std::to_string(counts[pattern]) + ")";
    }
  }
  return text;
}

// What load_init() needs of a plan: three lists of names, each ended by an empty one, then the folder, which
// may hold any character but NUL.
std::string as_text(const InitPlan& plan) {
  std::string text;
  for (const auto* names : {&plan.loaded, &plan.copied, &plan.moments}) {
    for (const auto& name : *names) {
      text += name + '\0';
    }
    text += '\0';
  }
  return text + plan.checkpoint;
}

InitPlan from_text(const std::string& text) {
  InitPlan plan;
  size_t begin = 0;
  for (auto* names : {&plan.loaded, &plan.copied, &plan.moments}) {
    for (size_t end; (end = text.find('\0', begin)) != begin; begin = end + 1) {
      names->push_back(text.substr(begin, end - begin));
    }
    ++begin;
  }
  plan.checkpoint = text.substr(begin);
  return plan;
}

// The parameters of this model whose moments the checkpoint gives. ConfigError where it lacks some.
std::vector<std::string> kept_moments(const InitPlan& plan, const RunConfig& config, const Decoder& decoder) {
  std::vector<std::string> names, kept, missing;
  for (const auto& item : decoder.named_parameters()) {
    names.push_back(item.key());
  }
  const auto rules = parameter_rules(config.optimizer, names);
  std::set<std::string> there;
  for (const auto& [name, shape] : about_init([&] { return checkpoint_shapes(plan.checkpoint, kOptimizerFiles); })) {
    there.insert(name);
  }
  const std::set<std::string> loaded(plan.loaded.begin(), plan.loaded.end());
  const auto parameters = decoder.named_parameters();
  for (size_t i = 0; i < names.size(); ++i) {
    if (rules[i].freeze || parameters[names[i]].numel() == 0 || !loaded.count(names[i])) {
      continue;
    }
    const bool both = there.count(kFirstMoment + names[i]) && there.count(kSecondMoment + names[i]);
    (both ? kept : missing).push_back(names[i]);
  }
  if (!missing.empty()) {
    throw ConfigError("init.optimizer: " + plan.checkpoint + " has no moments of " + grouped(missing) +
                      ", which its run has not trained: freeze them here too, or set init.optimizer=fresh");
  }
  return kept;
}

// `noted`: the checkpoint that a run that goes on has begun with; or empty.
InitPlan announced_plan(RunConfig config, const std::string& noted, int64_t vocabulary) {
  if (!noted.empty()) {
    config.init.from = noted;
  }
  auto plan = plan_init(config, vocabulary);
  log_info("beginning with " + plan.checkpoint + ", saved at step " + std::to_string(plan.step) + " of " +
           std::to_string(plan.steps));
  for (const auto& line : init_lines(plan)) {
    log_info("  " + line);
  }
  for (const auto& remark : plan.remarks) {
    log_warning(remark + ": its tensors fit this model, which makes something else of them");
  }
  return plan;
}

}  // namespace

InitPlan plan_init(const RunConfig& config, int64_t vocabulary) {
  InitPlan plan;
  auto there = about_init([&] {
    plan.checkpoint = find_checkpoint(config.init.from);
    plan.cost = state_cost(plan.checkpoint);
    plan.step = plan.cost.step;
    return parse_config<RunConfig>(checkpoint_config(plan.checkpoint),
                                   plan.checkpoint + "/state.json");
  });
  plan.steps = there.train.steps;
  auto here = config;
  const bool fresh = config.init.fresh_gate(), upcycle = config.init.upcycle;
  if (upcycle) {
    refuse_upcycle(plan.checkpoint, there, here);
  } else {
    refuse_other_kinds(plan.checkpoint, there, here, fresh);
  }

  const auto model = build_model(config.model, vocabulary, Initializer(0, original_dtype(config.train.dtype), at::kMeta));
  const auto given = about_init([&] { return checkpoint_shapes(plan.checkpoint); });
  const auto of_gate = [fresh](const std::string& name) { return fresh && belongs_to_gate(name); };
  TensorShapes left;
  for (const auto& [name, shape] : given) {
    if (of_gate(name)) {
      plan.ignored.push_back(name);
    } else {
      left.emplace_back(name, shape);
    }
  }
  NamedTensors needed;
  for (const auto& [name, tensor] : model_tensors(*model.decoder)) {
    if (of_gate(name)) {
      plan.fresh.push_back(name);
    } else if (upcycle && belongs_to_experts(name)) {
      needed.emplace_back(dense_name(name), as_dense(name, tensor, 0));
      plan.copied.push_back(name);
    } else {
      needed.emplace_back(name, tensor);
      plan.loaded.push_back(name);
    }
  }
  refuse_other_shapes(plan.checkpoint, left, shapes_of(needed), there, here);
  for (auto& remark : differing_model_keys(there, here)) {
    // Widths are in the shapes, which fit: however they are written, they mean the same.
    const bool width = remark.rfind("model.active_width", 0) == 0 || remark.rfind("model.moe.d_hidden", 0) == 0;
    const bool new_experts = upcycle && remark.rfind("model.moe", 0) == 0;
    if (!width && !new_experts) {
      plan.remarks.push_back(std::move(remark));
    }
  }
  if (config.init.optimizer == "keep") {
    plan.moments = kept_moments(plan, config, *model.decoder);
  }
  return plan;
}

void load_init(const InitPlan& plan, Trainer& trainer) {
  about_init([&] { load_some_tensors(plan.checkpoint, plan, trainer); });
}

void FirstValues::load(Trainer& trainer) {
  if (!config_.init.given()) {
    return;
  }
  if (!plan_) {  // the first rank finds it and says what it is; the others learn what they need of it
    const auto text = on_first_rank(*trainer.mesh().files, "init.from", [&] {
      plan_ = announced_plan(config_, noted_, vocabulary_);
      return as_text(*plan_);
    });
    if (!plan_) {
      plan_ = from_text(text);
    }
  }
  load_init(*plan_, trainer);
}

std::vector<std::string> init_lines(const InitPlan& plan) {
  std::vector<std::string> kept;  // of gates
  std::copy_if(plan.loaded.begin(), plan.loaded.end(), std::back_inserter(kept), belongs_to_gate);
  const auto line = [](const char* what, size_t count, const char* whose,
                       const std::vector<std::string>& names) {
    return what + std::to_string(count) + (count == 1 ? " tensor" : " tensors") +
           (names.empty() ? "" : whose + grouped(names));
  };
  std::vector<std::string> lines = {
      line("loaded: ", plan.loaded.size(), ", the gates' among them: ", kept),
      line("initialised: ", plan.fresh.size(), " of the gates here: ", plan.fresh),
      line("ignored: ", plan.ignored.size(), " of the gates there: ", plan.ignored)};
  if (!plan.copied.empty()) {
    lines.push_back(line("copied into experts: ", plan.copied.size(), ": ", plan.copied));
  }
  if (!plan.moments.empty()) {
    lines.push_back("the optimizer goes on with the moments of " + std::to_string(plan.moments.size()) +
                    " parameters");
  }
  return lines;
}

}  // namespace moe

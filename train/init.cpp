#include "train/init.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "configs/config_io.h"
#include "train/agree.h"
#include "train/checkpoint.h"
#include "train/checkpoint_state.h"
#include "train/init_differences.h"
#include "train/log.h"

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

// What load_init() needs of a plan: names, then the folder, which may hold any character but NUL.
std::string as_text(const InitPlan& plan) {
  std::string text;
  for (const auto& name : plan.loaded) {
    text += name + '\0';
  }
  return text + plan.checkpoint;
}

InitPlan from_text(const std::string& text) {
  InitPlan plan;
  size_t begin = 0;
  for (size_t end; (end = text.find('\0', begin)) != std::string::npos; begin = end + 1) {
    plan.loaded.push_back(text.substr(begin, end - begin));
  }
  plan.checkpoint = text.substr(begin);
  return plan;
}

// `noted`: the checkpoint that a run that goes on has begun with; or empty.
InitPlan announced_plan(RunConfig config, const std::string& noted, int64_t vocabulary) {
  if (!noted.empty()) {
    config.init.from = noted;
  }
  auto plan = plan_init(config, vocabulary);
  log_info("beginning with " + plan.checkpoint + ", saved at step " + std::to_string(plan.step));
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
    plan.step = state_step(plan.checkpoint);
    return parse_config<RunConfig>(checkpoint_config(plan.checkpoint),
                                   plan.checkpoint + "/state.json");
  });
  auto here = config;
  const bool fresh = config.init.gate == "fresh";
  refuse_other_kinds(plan.checkpoint, there, here, fresh);

  const auto model = build_model(config.model, vocabulary, Initializer(0, at::kFloat, at::kMeta));
  const auto given = about_init([&] { return checkpoint_shapes(plan.checkpoint); });
  const auto wanted = shapes_of(model_tensors(*model.decoder));
  const auto of_gate = [fresh](const std::string& name) { return fresh && belongs_to_gate(name); };
  TensorShapes left, needed;
  for (const auto& [name, shape] : given) {
    if (of_gate(name)) {
      plan.ignored.push_back(name);
    } else {
      left.emplace_back(name, shape);
    }
  }
  for (const auto& [name, shape] : wanted) {
    if (of_gate(name)) {
      plan.fresh.push_back(name);
    } else {
      needed.emplace_back(name, shape);
      plan.loaded.push_back(name);
    }
  }
  refuse_other_shapes(plan.checkpoint, left, needed, there, here);
  for (auto& remark : differing_model_keys(there, here)) {
    // Widths are in the shapes, which fit: however they are written, they mean the same.
    const bool width = remark.rfind("model.active_width", 0) == 0 || remark.rfind("model.moe.d_hidden", 0) == 0;
    if (!width) {
      plan.remarks.push_back(std::move(remark));
    }
  }
  return plan;
}

void load_init(const InitPlan& plan, Trainer& trainer) {
  about_init([&] { load_some_tensors(plan.checkpoint, plan.loaded, trainer); });
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
  return {line("loaded: ", plan.loaded.size(), ", the gates' among them: ", kept),
          line("initialised: ", plan.fresh.size(), " of the gates here: ", plan.fresh),
          line("ignored: ", plan.ignored.size(), " of the gates there: ", plan.ignored)};
}

}  // namespace moe

#include "train/verify_layout.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "data/open_data.h"
#include "data/tokenizer.h"
#include "gates/gate_config.h"
#include "train/agree.h"
#include "train/checkpoint.h"
#include "train/compare/text.h"
#include "train/format.h"
#include "train/init.h"
#include "train/launch/rank_threads.h"
#include "train/memory_check.h"
#include "train/resume.h"
#include "train/trainer.h"

namespace moe {
namespace {

constexpr size_t kShown = 8;

double tolerance_of(const std::string& dtype) {
  return dtype == "fp64" ? 1e-10 : dtype == "bf16" ? 3e-2 : 1e-5;
}

// |a - b| / |b|.
double difference(const Tensor& a, const Tensor& b) {
  const auto wide_a = a.detach().to(at::kDouble), wide_b = b.detach().to(at::kDouble);
  const double of = at::linalg_vector_norm(wide_b, 2).item<double>();
  const double off = at::linalg_vector_norm(wide_a - wide_b, 2).item<double>();
  const double relative = off == 0 ? 0 : off / of;
  return std::isfinite(relative) ? relative : std::numeric_limits<double>::infinity();
}

// The state of all ranks together, on this one.
void copy_state(Trainer& from, Trainer& to) {
  at::NoGradGuard no_grad;
  std::map<std::string, Tensor> whole;
  for (const auto& part : to.model_parts()) {
    whole[part.name] = part.values;
  }
  const auto& experts = *from.mesh().expert;
  for (const auto& part : from.model_parts()) {
    auto& target = whole.at(part.name);
    if (part.values.numel() == target.numel()) {
      target.copy_(part.values);
    } else {
      experts.gather(target, part.values.detach(), "the values of the experts").wait();
    }
  }
  to.weights().publish();
  to.progress() = from.progress();
}

// What both have, by name, in one order on every rank.
std::vector<std::pair<std::string, double>> compared(Trainer& ours, const StepResult& our_step,
                                                     Trainer& one, const StepResult& one_step) {
  std::vector<std::pair<std::string, double>> all;
  all.emplace_back("loss", difference(our_step.loss, one_step.loss));
  for (const auto& [name, aux] : one_step.aux) {
    all.emplace_back("aux." + name, difference(our_step.aux.at(name).value, aux.value));
  }
  for (const auto& [layer, stats] : one_step.gates) {
    all.emplace_back("tokens_per_expert of layer " + std::to_string(layer),
                     difference(our_step.gates.at(layer).tokens_per_expert, stats.tokens_per_expert));
  }
  all.emplace_back("grad_norm", difference(our_step.grad_norm, one_step.grad_norm));
  const auto parts = ours.model_parts();
  const auto& whole = one.weights().tensors();
  for (size_t i = 0; i < whole.size(); ++i) {
    const auto &mine = parts[i].values.grad(), &theirs = whole[i].second.grad();
    if (mine.defined() && theirs.defined()) {
      all.emplace_back("gradient of " + whole[i].first,
                       difference(mine.reshape({-1}),
                                  theirs.reshape({-1}).narrow(0, parts[i].begin, mine.numel())));
    }
  }
  return all;
}

std::string note_on(const RunConfig& config) {
  if (!config.model.moe) {
    return "";
  }
  for (const int64_t layer : config.model.moe->expert_layers(config.model.layers)) {
    const auto& choice = config.model.moe->gate_of(layer);
    if (!gate_config(choice).same_on_every_layout()) {
      return "gate '" + choice.kind + "' of layer " + std::to_string(layer) +
             " looks at the tokens of one rank alone, so that what it does depends on the layout";
    }
  }
  return "";
}

// As a run would begin or go on.
void load_state(const RunConfig& config, int64_t vocabulary, Trainer& trainer) {
  const auto folder = run_folder(config);
  const int64_t reached = reached_step(folder, trainer.mesh());
  if (reached >= 0) {
    load_checkpoint(checkpoint_folder(folder, reached), trainer);
  } else {
    FirstValues(config, vocabulary).load(trainer);
  }
}

}  // namespace

LayoutCheck verify_layout(RunConfig config, int64_t states, const Ranks& ranks) {
  at::set_num_threads(rank_threads(config.train.threads, at::get_num_threads(), ranks.launch));
  const auto tokenizer = make_tokenizer(config.data.tokenizer);
  const int64_t vocabulary = tokenizer->vocabulary();
  Datasets data;
  on_every_rank(*ranks.mesh.files, "what the check of a layout needs", [&] {
    if (choose_device(config.train.device, ranks.launch.local_rank).is_cpu()) {
      require_memory_of_check(config, physical_memory_bytes(), ranks.launch.local_ranks, ranks.mesh.ranks());
    }
    check_parameter_groups(config, vocabulary);
    data = open_data(config.data, config.objective, config.model.context, config.data_seed());
  });
  const auto local = ranks.launch.local_rank;
  Trainer ours(config, vocabulary, data.train, ranks.mesh, local);
  Trainer one(config, vocabulary, data.train, {}, local);
  load_state(config, vocabulary, ours);

  LayoutCheck check;
  check.states = states;
  check.first_step = ours.progress().step;
  check.tolerance = tolerance_of(config.train.dtype);
  for (int64_t state = 0; state < states; ++state) {
    copy_state(ours, one);
    const auto before = ours.progress();
    const auto our_step = ours.gradients(), one_step = one.gradients();
    const auto here = compared(ours, our_step, one, one_step);
    auto worst = at::empty({static_cast<int64_t>(here.size())}, at::kDouble);
    for (size_t i = 0; i < here.size(); ++i) {
      worst[static_cast<int64_t>(i)] = here[i].second;
    }
    ranks.mesh.control->max(worst, "the differences").wait();
    for (size_t i = 0; i < here.size(); ++i) {
      const double off = worst[static_cast<int64_t>(i)].item<double>();
      if (state == 0) {
        check.differences.emplace_back(here[i].first, off);
      }
      auto& most = check.differences[i].second;
      most = std::max(most, off);
      if (off > check.tolerance && check.first.empty()) {
        check.first = here[i].first;
        check.first_state = state;
      }
    }
    ours.optimizer().drop_gradients();
    one.optimizer().drop_gradients();
    ours.progress() = before;
    if (state + 1 < states) {
      ours.step();
    }
  }
  check.note = note_on(config);
  return check;
}

std::string layout_text(const LayoutCheck& check, const Mesh& mesh) {
  auto worst = check.differences;
  std::stable_sort(worst.begin(), worst.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string text =
      "layout     " + std::to_string(mesh.ranks()) + " ranks, data " +
      std::to_string(mesh.data_ranks()) + " x expert " + std::to_string(mesh.expert_ranks()) +
      ", against one\n" + "states     " + std::to_string(check.states) + " from step " +
      std::to_string(check.first_step) + " on\n" +
      format("compared   %zu figures and gradients; tolerance %.0e of each\n", worst.size(),
             check.tolerance);
  for (size_t i = 0; i < std::min(kShown, worst.size()); ++i) {
    text += format("  %.1e  ", worst[i].second) + worst[i].first + "\n";
  }
  if (!check.note.empty()) {
    text += "note       " + check.note + "\n";
  }
  return text + (check.first.empty() ? "all agree\n"
                                     : "DIFFERENT  first in " + check.first + ", at state " +
                                           std::to_string(check.first_state) + "\n");
}

Json layout_json(const LayoutCheck& check, const Mesh& mesh) {
  Json json = {{"ranks", mesh.ranks()},
               {"data", mesh.data_ranks()},
               {"expert", mesh.expert_ranks()},
               {"states", check.states},
               {"first_step", check.first_step},
               {"tolerance", check.tolerance},
               {"agree", check.first.empty()},
               {"first", check.first.empty() ? Json(nullptr) : Json(check.first)},
               {"first_state", check.first.empty() ? Json(nullptr) : Json(check.first_state)},
               {"note", check.note},
               {"differences", Json::object()}};
  for (const auto& [name, relative] : check.differences) {
    json["differences"][name] = relative;
  }
  return json;
}

}  // namespace moe

// Planted faults: each is found and named, by what routing real text shows.
#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "tests/support/tiny_trainer.h"
#include "train/checkpoint.h"
#include "train/diagnose/diagnose.h"

namespace moe {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class PlantedFault : public ::testing::Test {
 protected:
  // Diagnoses a checkpoint of untrained weights after `plant` has changed them, in every layer.
  Diagnosis found(const std::vector<std::string>& overrides,
                  const std::function<void(const std::string&, Tensor)>& plant = {}) {
    auto config = tiny_config(tiny_, overrides);
    const auto trainer = tiny_trainer(config);
    {
      at::NoGradGuard no_grad;
      for (auto& item : trainer->model().decoder->named_parameters()) {
        if (plant) plant(item.key(), item.value());
      }
    }
    DiagnoseOptions options;
    options.path = save_checkpoint(tiny_.file("run"), *trainer, print_config(view_of(config)));
    options.data = tiny_.file("text.txt");
    options.tokens = 4096;
    return diagnose(options);
  }

  static std::vector<std::string> names(const Diagnosis& diagnosis) {
    std::vector<std::string> names;
    for (const auto& finding : diagnosis.findings) names.push_back(finding.name);
    return names;
  }
  static const Finding& first(const Diagnosis& diagnosis, const std::string& name) {
    for (const auto& finding : diagnosis.findings) {
      if (finding.name == name) return finding;
    }
    throw std::runtime_error("no finding " + name);
  }

  TinyRun tiny_;
};

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

TEST_F(PlantedFault, DeadExpert) {
  // Expert 2's logit is 0, and of experts 0 and 1 one is always above it.
  const auto diagnosis = found({"model.moe.gate.k=1"}, [](const std::string& name, Tensor value) {
    if (!ends_with(name, "gate.weight")) return;
    value[1].copy_(-value[0]);
    value[2].zero_();
  });
  EXPECT_FALSE(healthy(diagnosis.findings));
  const auto& finding = first(diagnosis, "dead_experts");
  EXPECT_EQ(finding.severity, Severity::kFault);
  EXPECT_EQ(finding.layer, 0);
  EXPECT_THAT(finding.experts, ElementsAre(2));
  EXPECT_EQ(finding_text(finding), "layer 0: dead_experts is 1, above 0 (expert 2)");
  EXPECT_THAT(finding.advice, Contains("raise model.moe.gate.load_balancing (now 0.01)"));
  // A key of another gate is no advice.
  EXPECT_THAT(finding.advice, Not(Contains(HasSubstr("gamma"))));
}

TEST_F(PlantedFault, CollapsedGate) {
  // Equal logits: the first two experts are everyone's choice.
  const auto diagnosis = found({}, [](const std::string& name, Tensor value) {
    if (ends_with(name, "gate.weight")) value.zero_();
  });
  const auto& finding = first(diagnosis, "collapsed_gate");
  EXPECT_EQ(finding.value, 1);
  EXPECT_THAT(finding.experts, ElementsAre(0, 1));
  EXPECT_THAT(first(diagnosis, "dead_experts").experts, ElementsAre(2, 3));
}

TEST_F(PlantedFault, Overflow) {
  const auto diagnosis =
      found({"model.moe.gate.kind=switch", "model.moe.gate.capacity_factor=0.5"});
  EXPECT_THAT(names(diagnosis), Contains("overflow"));
  const auto& layer = diagnosis.layers.at(0);
  // Routing drops nothing; the figure is that of the second pass, with capacity and without noise.
  EXPECT_EQ(layer.load.dropped, 0);
  EXPECT_EQ(layer.load.slots_per_token, 1);
  ASSERT_TRUE(layer.limited);
  EXPECT_GE(layer.limited->dropped, 0.5);
  EXPECT_EQ(first(diagnosis, "overflow").value, layer.limited->dropped);
  EXPECT_THAT(names(diagnosis), Not(Contains("unserved_tokens")));
  EXPECT_THAT(first(diagnosis, "overflow").advice,
              Contains("raise model.moe.gate.capacity_factor (now 0.5)"));
}

TEST_F(PlantedFault, LockedIn) {
  // Every bit is far beyond the smooth step's end, and set: expert 3 has all tokens.
  const auto diagnosis =
      found({"model.moe.gate.kind=dselect_k"}, [](const std::string& name, Tensor value) {
        if (ends_with(name, "bit_weight")) value.zero_();
        if (ends_with(name, "bit_bias")) value.fill_(100);
      });
  EXPECT_EQ(first(diagnosis, "locked_in").value, 1);
  EXPECT_THAT(first(diagnosis, "dead_experts").experts, ElementsAre(0, 1, 2));
  EXPECT_THAT(names(diagnosis), Contains("collapsed_gate"));
  EXPECT_THAT(names(diagnosis), Contains("coincident_selectors"));
  EXPECT_THAT(first(diagnosis, "locked_in").advice,
              Contains("raise model.moe.gate.gamma (now 10)"));
}

// Selectors that agree while the gate is still dense are no waste yet, and the remedies of a gate
// that does not become sparse are the opposite ones.
TEST_F(PlantedFault, SelectorsMayAgreeWhileTheGateIsDense) {
  const auto diagnosis =
      found({"model.moe.gate.kind=dselect_k"}, [](const std::string& name, Tensor value) {
        if (ends_with(name, "bit_weight")) value.zero_();
        if (ends_with(name, "bit_bias")) value.fill_(0.01);
      });
  EXPECT_EQ(layer_figure(diagnosis.layers.at(0), "gate.coincident_selectors"), 1);
  EXPECT_EQ(layer_figure(diagnosis.layers.at(0), "slots_per_k"), 2);
  EXPECT_THAT(names(diagnosis), Not(Contains("coincident_selectors")));
}

TEST_F(PlantedFault, UnservedTokens) {
  // Of three experts code 3 has none.
  const auto diagnosis = found({"model.moe.gate.kind=dselect_k", "model.moe.experts=3"},
                               [](const std::string& name, Tensor value) {
                                 if (ends_with(name, "bit_weight")) value.zero_();
                                 if (ends_with(name, "bit_bias")) value.fill_(100);
                               });
  EXPECT_EQ(first(diagnosis, "unserved_tokens").value, 1);
}

// Without any slot there are none to count, but the text was enough.
TEST_F(PlantedFault, IdleLayer) {
  const auto diagnosis = found({"model.moe.gate.kind=relu"}, [](const std::string& name, Tensor value) {
    if (ends_with(name, "gate.weight")) value.zero_();
  });
  EXPECT_EQ(first(diagnosis, "unserved_tokens").value, 1);
  const auto& finding = first(diagnosis, "dead_experts");
  EXPECT_EQ(finding.severity, Severity::kFault);
  EXPECT_THAT(finding.experts, ElementsAre(0, 1, 2, 3));
  // No token has a distribution, which is not one that has diverged.
  EXPECT_THAT(names(diagnosis), Not(Contains("not_finite")));
  EXPECT_FALSE(layer_figure(diagnosis.layers.at(0), "margin"));
  EXPECT_TRUE(layer_json(diagnosis.layers.at(0)).at("margin").is_null());
}

TEST_F(PlantedFault, LockedInWithinAGate) {
  // Each group's second expert has all of its tokens.
  const auto diagnosis =
      found({"model.moe.gate={kind: hierarchical, groups: 2, outer: {kind: top_k, k: 1}, "
             "inner: {kind: dselect_k, k: 2}}"},
            [](const std::string& name, Tensor value) {
              if (ends_with(name, "bit_weight")) value.zero_();
              if (ends_with(name, "bit_bias")) value.fill_(100);
            });
  EXPECT_THAT(first(diagnosis, "dead_experts").experts, testing::IsSupersetOf({0, 2}));
  const auto& finding = first(diagnosis, "locked_in");
  EXPECT_EQ(finding_text(finding), "layer 0: gate.inner.saturated_bits is 1, above 0.95");
  EXPECT_THAT(finding.advice, Contains("raise model.moe.gate.inner.gamma (now 10)"));
  EXPECT_EQ(first(diagnosis, "coincident_selectors").figure, "gate.inner.coincident_selectors");
}

TEST_F(PlantedFault, NotANumber) {
  const auto diagnosis = found({}, [](const std::string& name, Tensor value) {
    if (ends_with(name, "gate.weight")) value.fill_(std::numeric_limits<double>::quiet_NaN());
  });
  // Not the loss alone: it is the gate of layer 0 that begins it.
  EXPECT_TRUE(std::any_of(diagnosis.findings.begin(), diagnosis.findings.end(), [](const auto& f) {
    return f.name == "not_finite" && f.layer == 0;
  }));
  const auto everywhere = found({}, [](const std::string& name, Tensor value) {
    if (name == "embedding") value.fill_(std::numeric_limits<double>::quiet_NaN());
  });
  EXPECT_FALSE(first(everywhere, "not_finite").layer);  // the loss
}

TEST_F(PlantedFault, NoneInHealthyModels) {
  for (const char* gate : {"round_robin", "dselect_k"}) {
    const auto diagnosis = found({std::string("model.moe.gate.kind=") + gate});
    EXPECT_TRUE(healthy(diagnosis.findings)) << testing::PrintToString(names(diagnosis));
    EXPECT_EQ(diagnosis.tokens, 4096);
    EXPECT_EQ(diagnosis.layers.size(), 2u);
    EXPECT_FALSE(diagnosis.layers.at(0).limited);
  }
}

TEST_F(PlantedFault, TooLittleTextIsSaid) {
  auto config = tiny_config(tiny_);
  const auto trainer = tiny_trainer(config);
  DiagnoseOptions options;
  options.path = save_checkpoint(tiny_.file("run"), *trainer, print_config(view_of(config)));
  options.tokens = 16;
  EXPECT_THAT(names(diagnose(options)), ElementsAre("too_little_text", "too_little_text"));
}

TEST_F(PlantedFault, AnOwnGateOfALayerIsNamed) {
  const auto diagnosis = found({"model.moe.layers={1: {gate: {kind: top_k, k: 1}}}"},
                               [](const std::string& name, Tensor value) {
                                 if (ends_with(name, "gate.weight")) value.zero_();
                               });
  EXPECT_EQ(diagnosis.layers.at(1).k, 1);
  const auto& last = diagnosis.findings.back();
  EXPECT_EQ(last.layer, 1);
  EXPECT_THAT(last.advice, Contains("raise model.moe.layers.1.gate.load_balancing (now 0.01)"));
}

TEST_F(PlantedFault, AnEntryWithoutAGateHasTheModels) {
  const auto diagnosis = found({"model.moe.layers={1: {gate: {kind: model}}}"},
                               [](const std::string& name, Tensor value) {
                                 if (ends_with(name, "gate.weight")) value.zero_();
                               });
  const auto& last = diagnosis.findings.back();
  EXPECT_EQ(last.layer, 1);
  EXPECT_THAT(last.advice, Contains("raise model.moe.gate.load_balancing (now 0.01)"));
}

}  // namespace
}  // namespace moe

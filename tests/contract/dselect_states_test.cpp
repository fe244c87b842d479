// At each of 100 states of one DSelect-k run, from all experts live to sparse, dense and sparse dispatch
// agree in loss and every gradient. States are compared, not free-running curves: those drift apart by
// rounding and chaos however right both dispatchers are.
//
// Four selectors that start apart. With two, the gradient of mix_bias has a single degree of freedom,
// a sum over tokens that passes through 0 now and then; there float32 has few right digits with any
// dispatcher (docs/design.md, "Numbers of the contract tests"), and float64 agrees as elsewhere.
#include <gtest/gtest.h>

#include "configs/config_io.h"
#include "tests/support/tensors.h"
#include "train/context.h"
#include "train/model.h"
#include "train/optimizer.h"

namespace moe {
namespace {

constexpr int64_t kVocabulary = 32, kRows = 8, kLength = 32, kStates = 100;

ModelConfig config_with(const std::string& dispatch) {
  return parse_config<ModelConfig>(
      "d_model: 32\nlayers: 2\nheads: 2\ncontext: 32\nactive_width: 48\n"
      "moe:\n  experts: 8\n  dispatch: " + dispatch +
      "\n  gate: {kind: dselect_k, k: 4, gamma: 3, entropy: 0.05, entropy_until: 0.5, init_scale: 10, load_balancing: 0}\n");
}

// Text with structure: every token follows from the two before it, most of the time.
Batch make_batch(int64_t step) {
  Batch batch;
  batch.rows = kRows;
  batch.length = kLength;
  batch.target_tokens = kRows * kLength;
  for (int64_t row = 0; row < kRows; ++row) {
    uint64_t draw = mix64(static_cast<uint64_t>(step * kRows + row));
    std::vector<int64_t> text = {static_cast<int64_t>(draw % kVocabulary), 1};
    while (static_cast<int64_t>(text.size()) <= kLength) {
      draw = mix64(draw);
      const auto next = text[text.size() - 1] * 5 + text[text.size() - 2] * 3 + 1;
      text.push_back(draw % 8 == 0 ? static_cast<int64_t>(draw >> 32) % kVocabulary
                                   : next % kVocabulary);
    }
    batch.tokens.insert(batch.tokens.end(), text.begin(), text.begin() + kLength);
    batch.targets.insert(batch.targets.end(), text.begin() + 1, text.begin() + kLength + 1);
  }
  return batch;
}

struct State {
  Tensor loss;
  std::vector<Tensor> gradients;
  double slots = 0;
};

State state_of(Model& model, int64_t step) {
  const auto batch = make_batch(step);
  auto context = make_context(batch, at::kCPU);
  context.training = true;
  context.progress = static_cast<double>(step) / kStates;
  const auto out = model.decoder->forward(context);
  State state;
  state.loss = cross_entropy_sum(out.logits, make_targets(batch, at::kCPU)) / batch.target_tokens;
  for (const auto& aux : out.aux) {
    state.loss = state.loss + aux.value * aux.coefficient;
  }
  state.loss.backward();
  for (auto& parameter : model.decoder->parameters()) {
    state.gradients.push_back(parameter.grad().clone());
  }
  for (const auto& report : out.reports) {
    const auto& moe = dynamic_cast<const MoeReport&>(*report);
    state.slots += moe.stats.live_slots.item<double>() / (kRows * kLength) / 2;
  }
  return state;
}

void clear_gradients(Model& model) {
  for (auto& parameter : model.decoder->parameters()) parameter.mutable_grad().reset();
}

void copy_parameters(Model& from, Model& to) {
  at::NoGradGuard no_grad;
  const auto source = from.decoder->parameters(), target = to.decoder->parameters();
  for (size_t i = 0; i < source.size(); ++i) target[i].copy_(source[i]);
}

double worst_error(const State& a, const State& b) {
  double worst = relative_error(a.loss, b.loss);
  for (size_t i = 0; i < a.gradients.size(); ++i) {
    worst = std::max(worst, relative_error(a.gradients[i], b.gradients[i]));
  }
  return worst;
}

TEST(DSelectStates, DenseAndSparseDispatchAgreeAllTheWay) {
  const auto build = [](const char* dispatch, at::ScalarType dtype) {
    return build_model(config_with(dispatch), kVocabulary, Initializer(4, dtype));
  };
  auto trained = build("sparse", at::kFloat), dense = build("dense", at::kFloat);
  auto trained64 = build("sparse", at::kDouble), dense64 = build("dense", at::kDouble);
  std::vector<std::pair<std::string, Tensor>> parameters;
  for (const auto& item : trained.decoder->named_parameters()) {
    parameters.emplace_back(item.key(), item.value());
  }
  AdamW optimizer({}, parameters);
  double first_slots = 0, last_slots = 0, worst32 = 0, worst64 = 0;
  for (int64_t step = 0; step < kStates; ++step) {
    copy_parameters(trained, dense);
    copy_parameters(trained, trained64);
    copy_parameters(trained, dense64);
    const auto sparse_state = state_of(trained, step);
    worst32 = std::max(worst32, worst_error(sparse_state, state_of(dense, step)));
    worst64 = std::max(worst64, worst_error(state_of(trained64, step), state_of(dense64, step)));
    ASSERT_LE(worst32, 1e-5) << "float32, state " << step;
    ASSERT_LE(worst64, 1e-10) << "float64, state " << step;
    if (step == 0) first_slots = sparse_state.slots;
    last_slots = sparse_state.slots;
    optimizer.step(3e-3, optimizer.gradient_norm());
    for (auto* model : {&dense, &trained64, &dense64}) clear_gradients(*model);
  }
  EXPECT_EQ(first_slots, 8) << "the run must start with every expert live";
  EXPECT_LT(last_slots, 4) << "and become sparse, or its states are not the interesting ones";
  std::printf("slots per token %.2f -> %.2f; worst relative error %.2g float32, %.2g float64\n",
              first_slots, last_slots, worst32, worst64);
}

}  // namespace
}  // namespace moe

// One MoE layer on given numbers, for tests/parity/gates_test.py, which gives the same numbers to a
// published implementation.
//
// Usage: parity_route GATE ACTIVATION IN.safetensors OUT.safetensors
//
// GATE is a gate section as one line of YAML ("{kind: mixtral, k: 2}"). IN holds x [B, S, D], valid
// [B, S] (0 is padding), the layer's parameters and buffers by their names in checkpoints (gate.weight
// [E, D], experts.down [E, F, D], shared.down ...), and two cotangents: cotangent.weight [T, E] and
// cotangent.y [T, D], T = B * S. OUT gets, of a training step:
//
//   weight [T, E]   the routing weights, an expert that was not chosen weighs 0
//   chosen [T, E]   1 where an expert was chosen, else 0
//   y [T, D]        the layer's output
//   aux/NAME        every auxiliary loss, without its coefficient
//   grad/OBJECTIVE/NAME  gradients of x and every parameter, OBJECTIVE being `weight` (sum of weight *
//                        cotangent), `y` (the same of y) or the name of an auxiliary loss
#include <cstdio>
#include <exception>

#include "moe/moe_layer.h"
#include "tests/support/gates.h"
#include "train/tensor_file.h"

namespace moe {
namespace {

std::shared_ptr<MoeLayer> make_layer(const std::string& gate_yaml, const std::string& activation_word,
                                     const SafetensorsFile& file, const Initializer& init) {
  const auto& down = file.info("experts.down").shape;  // [E, F, D]
  const int64_t E = down.at(0), F = down.at(1), D = down.at(2);
  const auto activation = activation_of(activation_word);
  std::shared_ptr<Mlp> shared;
  if (file.tensors().count("shared.down")) {
    shared = std::make_shared<Mlp>(D, file.info("shared.down").shape.at(1), activation, 1, init);
  }
  return std::make_shared<MoeLayer>(0, make_gate(parse_gate(gate_yaml), {D, E, 0}, init),
                                    std::make_shared<Experts>(E, D, F, activation, 1, init), shared,
                                    make_dispatcher("auto"));
}

// [T, K] values of slots -> [T, E]; empty slots go to a column of their own, which is cut off.
Tensor by_expert(const Tensor& expert, const Tensor& value, int64_t experts) {
  const auto column = at::where(expert == kEmpty, at::full({}, experts, expert.options()), expert);
  return at::zeros({expert.size(0), experts + 1}, value.options())
      .scatter_add(1, column, value)
      .slice(1, 0, experts);
}

void route(const std::string& gate_yaml, const std::string& activation, const std::string& in,
           const std::string& out) {
  const SafetensorsFile file(in);
  const auto& info = file.info("x");
  const int64_t B = info.shape.at(0), S = info.shape.at(1), D = info.shape.at(2), T = B * S;
  const auto dtype = info.dtype == Dtype::kF64 ? at::kDouble : at::kFloat;
  const auto layer = make_layer(gate_yaml, activation, file, Initializer(1, dtype));
  const int64_t E = file.info("experts.down").shape.at(0);

  const auto x = at::empty({B, S, D}, dtype), valid = at::empty({B, S}, dtype);
  const auto weight_cotangent = at::empty({T, E}, dtype), y_cotangent = at::empty({T, D}, dtype);
  NamedTensors inputs{{"x", x},
                      {"valid", valid},
                      {"cotangent.weight", weight_cotangent},
                      {"cotangent.y", y_cotangent}};
  NamedTensors leaves;
  for (const auto& item : layer->named_parameters()) {
    inputs.emplace_back(item.key(), item.value().detach());
    leaves.emplace_back(item.key(), item.value());
  }
  for (const auto& item : layer->named_buffers()) {
    inputs.emplace_back(item.key(), item.value());
  }
  read_tensors(in, inputs);
  const auto tokens = x.view({T, D}).requires_grad_();
  leaves.emplace_back("x", tokens);

  ForwardContext context;
  context.token_ids = at::arange(T, at::kLong).view({B, S});
  context.valid = valid != 0;
  context.training = true;
  const OneRank ranks;
  const auto routing = layer->gate().forward({tokens, context, context.noise, ranks});
  const auto weight = by_expert(routing.expert, routing.weight, E);
  const auto y = layer->forward(tokens, context).y;

  NamedTensors results{{"weight", weight},
                       {"chosen", by_expert(routing.expert, at::ones_like(routing.weight), E)},
                       {"y", y}};
  NamedTensors objectives{{"weight", (weight * weight_cotangent).sum()},
                          {"y", (y * y_cotangent).sum()}};
  for (const auto& loss : routing.aux) {
    results.emplace_back("aux/" + loss.name, loss.value);
    objectives.emplace_back(loss.name, loss.value);
  }
  std::vector<Tensor> wanted;
  for (const auto& leaf : leaves) {
    wanted.push_back(leaf.second);
  }
  for (const auto& [objective, value] : objectives) {
    const auto gradients = torch::autograd::grad({value}, wanted, {}, /*retain_graph=*/true, false,
                                                 /*allow_unused=*/true);
    for (size_t i = 0; i < leaves.size(); ++i) {
      results.emplace_back("grad/" + objective + "/" + leaves[i].first,
                           gradients[i].defined() ? gradients[i] : at::zeros_like(wanted[i]));
    }
  }
  write_tensors(out, results);
}

}  // namespace
}  // namespace moe

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: parity_route GATE ACTIVATION IN.safetensors OUT.safetensors\n");
    return 2;
  }
  try {
    moe::route(argv[1], argv[2], argv[3], argv[4]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "parity_route: %s\n", error.what());
    return 1;
  }
  return 0;
}

#include "layers/recompute.h"

#include <utility>

namespace moe {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Lets a function travel in a node's saved data.
struct HeldFunction : torch::CustomClassHolder {
  explicit HeldFunction(LayerFunction f) : call(std::move(f)) {}
  LayerFunction call;
};

// y and the auxiliary losses: everything that gradient comes in through.
variable_list tensors_of(const FeedForwardOutput& out) {
  variable_list tensors = {out.y};
  for (const auto& aux : out.aux) {
    tensors.push_back(aux.value);
  }
  return tensors;
}

// Parameters are inputs of the node, so that autograd itself decides which need a gradient and adds
// it up over micro-steps in the same order as without recompute.
struct Recompute : torch::autograd::Function<Recompute> {
  static variable_list forward(AutogradContext* context, at::TensorList inputs,
                               c10::intrusive_ptr<HeldFunction> layer, FeedForwardOutput* first) {
    *first = layer->call(inputs[0]);  // autograd is off in here: nothing is kept
    context->save_for_backward(inputs.vec());
    context->saved_data["layer"] = c10::IValue::make_capsule(std::move(layer));
    return tensors_of(*first);
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    const auto layer =
        c10::static_intrusive_pointer_cast<HeldFunction>(context->saved_data["layer"].toCapsule());
    auto inputs = context->get_saved_variables();
    // x stands apart from the graph it came from; parameters are leaves already.
    inputs[0] = inputs[0].detach().requires_grad_(context->needs_input_grad(0));

    at::AutoGradMode with_grad(true);
    const auto again = tensors_of(layer->call(inputs[0]));
    variable_list outputs, cotangents, wanted;
    for (size_t i = 0; i < again.size(); ++i) {
      if (again[i].requires_grad() && grads[i].defined()) {
        outputs.push_back(again[i]);
        cotangents.push_back(grads[i]);
      }
    }
    for (const auto& input : inputs) {
      if (input.requires_grad()) {
        wanted.push_back(input);
      }
    }
    const auto found =
        torch::autograd::grad(outputs, wanted, cotangents, /*retain_graph=*/false,
                              /*create_graph=*/false, /*allow_unused=*/true);
    variable_list result;
    size_t next = 0;
    for (const auto& input : inputs) {
      result.push_back(input.requires_grad() ? found[next++] : Tensor());
    }
    result.resize(inputs.size() + 2);  // the layer and where its first output goes have none
    return result;
  }
};

}  // namespace

FeedForwardOutput recomputed(LayerFunction layer, const Tensor& x,
                             const std::vector<Tensor>& parameters) {
  std::vector<Tensor> inputs = {x};
  inputs.insert(inputs.end(), parameters.begin(), parameters.end());
  FeedForwardOutput out;
  const auto tensors =
      Recompute::apply(at::TensorList(inputs),
                       c10::make_intrusive<HeldFunction>(std::move(layer)), &out);
  out.y = tensors[0];
  for (size_t i = 0; i < out.aux.size(); ++i) {
    out.aux[i].value = tensors[i + 1];
  }
  return out;
}

}  // namespace moe

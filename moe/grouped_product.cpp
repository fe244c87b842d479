#include "moe/grouped_product.h"

#include "layers/shapes.h"

namespace moe {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Rows of one expert, without copying.
Tensor rows(const Tensor& x, const std::vector<int64_t>& offsets, int64_t e) {
  return x.narrow(0, offsets[e], offsets[e + 1] - offsets[e]);
}

struct GroupedProduct : torch::autograd::Function<GroupedProduct> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        std::vector<int64_t> offsets, bool transposed) {
    const int64_t E = weight.size(0);
    auto out = at::empty({x.size(0), weight.size(transposed ? 1 : 2)}, x.options());  // [L, N]
    for (int64_t e = 0; e < E; ++e) {
      if (offsets[e + 1] > offsets[e]) {
        auto mine = rows(out, offsets, e);
        const auto w = weight.select(0, e);
        at::mm_out(mine, rows(x, offsets, e), transposed ? w.t() : w);
      }
    }
    context->save_for_backward({x, weight});
    context->saved_data["offsets"] = std::move(offsets);
    context->saved_data["transposed"] = transposed;
    return out;
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &weight = saved[1];
    const auto grad = grads[0].contiguous();  // [L, N]
    const auto offsets = context->saved_data["offsets"].toIntVector();
    const bool transposed = context->saved_data["transposed"].toBool();
    // Frozen experts need no gradient of their own.
    const bool of_x = context->needs_input_grad(0), of_weight = context->needs_input_grad(1);
    const auto dx = of_x ? at::empty_like(x) : Tensor();  // [L, A]
    const auto dweight = of_weight ? at::empty_like(weight) : Tensor();
    for (int64_t e = 0; e < weight.size(0); ++e) {
      if (offsets[e + 1] == offsets[e]) {
        if (of_weight) {
          dweight.select(0, e).zero_();
        }
        continue;
      }
      const auto g = rows(grad, offsets, e), mine = rows(x, offsets, e);
      if (of_x) {
        const auto w = weight.select(0, e);
        auto dmine = rows(dx, offsets, e);
        at::mm_out(dmine, g, transposed ? w : w.t());
      }
      if (of_weight) {
        auto dw = dweight.select(0, e);
        transposed ? at::mm_out(dw, g.t(), mine) : at::mm_out(dw, mine.t(), g);
      }
    }
    return {dx, dweight, Tensor(), Tensor()};
  }
};

}  // namespace

Tensor grouped_product(const Tensor& x, const Tensor& weight, const std::vector<int64_t>& offsets,
                       bool transposed) {
  check_shape(weight, {static_cast<int64_t>(offsets.size()) - 1, -1, -1}, "grouped_product weight");
  check_shape(x, {offsets.back(), weight.size(transposed ? 2 : 1)}, "grouped_product rows");
  return GroupedProduct::apply(x.contiguous(), weight, offsets, transposed);
}

}  // namespace moe

#include "moe/slot_order.h"

#include "layers/shapes.h"

namespace moe {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// rows with one row of zeros behind, which slots that are not live point to: [L + 1, D].
Tensor with_zero_row(const Tensor& rows) {
  return at::cat({rows, at::zeros({1, rows.size(1)}, rows.options())});
}

struct GatherRows : torch::autograd::Function<GatherRows> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& token_of_row,
                        const Tensor& row_of_slot) {
    context->save_for_backward({row_of_slot});
    return x.index_select(0, token_of_row);  // [L, D]
  }

  static variable_list backward(AutogradContext* context, variable_list grad) {
    const auto row_of_slot = context->get_saved_variables()[0];  // [T, K]
    const auto padded = with_zero_row(grad[0]);                  // [L + 1, D]
    auto dx = padded.index_select(0, row_of_slot.select(1, 0));  // [T, D]
    for (int64_t k = 1; k < row_of_slot.size(1); ++k) {
      dx.add_(padded.index_select(0, row_of_slot.select(1, k)));
    }
    return {dx, Tensor(), Tensor()};
  }
};

struct CombineRows : torch::autograd::Function<CombineRows> {
  static Tensor forward(AutogradContext* context, const Tensor& rows, const Tensor& weight,
                        const Tensor& slot_of_row, const Tensor& row_of_slot) {
    context->save_for_backward({rows, weight, slot_of_row, row_of_slot});
    const auto padded = with_zero_row(rows);  // [L + 1, D]
    auto y = padded.index_select(0, row_of_slot.select(1, 0)) * weight.select(1, 0).unsqueeze(1);
    for (int64_t k = 1; k < weight.size(1); ++k) {
      y.addcmul_(padded.index_select(0, row_of_slot.select(1, k)), weight.select(1, k).unsqueeze(1));
    }
    return y;  // [T, D]
  }

  static variable_list backward(AutogradContext* context, variable_list grad) {
    const auto saved = context->get_saved_variables();
    const auto &rows = saved[0], &weight = saved[1], &slot_of_row = saved[2];
    const int64_t K = weight.size(1);
    const auto dy =
        grad[0].index_select(0, at::floor_divide(slot_of_row, K));              // [L, D]
    const auto row_weight = weight.reshape({-1}).index_select(0, slot_of_row);  // [L]
    const auto drow_weight = (dy * rows).sum(1);                                // [L]
    const auto dweight = at::zeros({weight.numel()}, weight.options())
                             .index_copy(0, slot_of_row, drow_weight)
                             .view_as(weight);                                  // [T, K]
    return {dy * row_weight.unsqueeze(1), dweight, Tensor(), Tensor()};
  }
};

}  // namespace

SlotOrder slot_order(const Routing& routing, const std::vector<int64_t>& counts) {
  const int64_t E = static_cast<int64_t>(counts.size());
  SlotOrder order;
  order.T = routing.expert.size(0);
  order.K = routing.expert.size(1);
  order.offsets.assign(1, 0);
  for (const int64_t count : counts) {
    order.offsets.push_back(order.offsets.back() + count);
  }
  const int64_t L = order.offsets.back();
  const auto key = at::where(routing.live(), routing.expert,
                             at::full({}, E, routing.expert.options()));  // [T, K], dead slots last
  const auto sorted = key.reshape({-1}).argsort(/*stable=*/true, 0, /*descending=*/false);  // [T * K]
  order.slot_of_row = sorted.narrow(0, 0, L).contiguous();
  order.row_of_slot =
      at::full({order.T * order.K}, L, routing.expert.options())
          .index_copy_(0, order.slot_of_row, at::arange(L, order.slot_of_row.options()))
          .view({order.T, order.K});
  return order;
}

Tensor gather_rows(const Tensor& x, const SlotOrder& order) {
  check_shape(x, {order.T, -1}, "gather_rows tokens");
  return GatherRows::apply(x, at::floor_divide(order.slot_of_row, order.K), order.row_of_slot);
}

Tensor combine_rows(const Tensor& rows, const Tensor& weight, const SlotOrder& order) {
  check_shape(weight, {order.T, order.K}, "combine_rows weights");
  return CombineRows::apply(rows, weight.to(rows.scalar_type()), order.slot_of_row,
                            order.row_of_slot);
}

}  // namespace moe

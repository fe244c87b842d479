#include "moe/slot_order.h"

#include <ATen/OpMathType.h>

#include "layers/shapes.h"

namespace moe {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// rows with one row of zeros behind, which slots that are not live point to: [L + 1, D].
Tensor with_zero_row(const Tensor& rows) {
  return at::cat({rows, at::zeros({1, rows.size(1)}, rows.options())});
}

// The rows of `tokens` [T, ...] that an order's rows stand for; zeros for padding.
Tensor of_rows(const Tensor& tokens, const Tensor& token_of_row, bool padded) {
  return (padded ? with_zero_row(tokens) : tokens).index_select(0, token_of_row);  // [L, ...]
}

struct GatherRows : torch::autograd::Function<GatherRows> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& token_of_row,
                        const Tensor& row_of_slot, bool padded) {
    context->save_for_backward({row_of_slot});
    return of_rows(x, token_of_row, padded);  // [L, D]
  }

  static variable_list backward(AutogradContext* context, variable_list grad) {
    const auto row_of_slot = context->get_saved_variables()[0];  // [T, K]
    const auto padded = with_zero_row(grad[0]);                  // [L + 1, D]
    auto dx = padded.index_select(0, row_of_slot.select(1, 0))
                  .to(at::toOpMathType(padded.scalar_type()));   // [T, D]
    for (int64_t k = 1; k < row_of_slot.size(1); ++k) {
      dx.add_(padded.index_select(0, row_of_slot.select(1, k)));
    }
    return {dx.to(padded.scalar_type()), Tensor(), Tensor(), Tensor()};
  }
};

struct CombineRows : torch::autograd::Function<CombineRows> {
  static Tensor forward(AutogradContext* context, const Tensor& rows, const Tensor& weight,
                        const Tensor& slot_of_row, const Tensor& row_of_slot, bool has_padding) {
    context->save_for_backward({rows, weight, slot_of_row, row_of_slot});
    context->saved_data["padded"] = has_padding;
    const auto padded = with_zero_row(rows);  // [L + 1, D]
    auto y = padded.index_select(0, row_of_slot.select(1, 0)) * weight.select(1, 0).unsqueeze(1);
    for (int64_t k = 1; k < weight.size(1); ++k) {
      y.addcmul_(padded.index_select(0, row_of_slot.select(1, k)).to(y.scalar_type()),
                 weight.select(1, k).unsqueeze(1));
    }
    return y.to(rows.scalar_type());  // [T, D]
  }

  static variable_list backward(AutogradContext* context, variable_list grad) {
    const auto saved = context->get_saved_variables();
    const auto &rows = saved[0], &weight = saved[1], &slot_of_row = saved[2];
    const int64_t K = weight.size(1);
    const bool padded = context->saved_data["padded"].toBool();
    const auto dy = of_rows(grad[0], at::floor_divide(slot_of_row, K), padded)
                        .to(at::promote_types(rows.scalar_type(), weight.scalar_type()));  // [L, D]
    const auto row_weight = of_rows(weight.reshape({-1, 1}), slot_of_row, padded);  // [L, 1]
    const auto drow_weight = (dy * rows).sum(1);                                    // [L]
    // One place more, where padding leaves its zeros.
    const auto dweight = at::zeros({weight.numel() + 1}, weight.options())
                             .index_copy(0, slot_of_row, drow_weight.to(weight.scalar_type()))
                             .narrow(0, 0, weight.numel())
                             .view_as(weight);  // [T, K]
    return {(dy * row_weight).to(rows.scalar_type()), dweight, Tensor(), Tensor(), Tensor()};
  }
};

}  // namespace

int64_t padded_rows(int64_t count) {
  int64_t step = 64;
  while (8 * step <= count) {
    step *= 2;
  }
  return (count + step - 1) / step * step;
}

SlotOrder slot_order(const Routing& routing, const std::vector<int64_t>& counts, bool few_sizes) {
  const int64_t E = static_cast<int64_t>(counts.size());
  SlotOrder order;
  order.T = routing.expert.size(0);
  order.K = routing.expert.size(1);
  order.padded = few_sizes;
  order.offsets.assign(1, 0);
  std::vector<int64_t> places;  // [live] row of every live slot in expert order
  int64_t live = 0;
  for (const int64_t count : counts) {
    const int64_t begin = order.offsets.back();
    for (int64_t i = 0; few_sizes && i < count; ++i) {
      places.push_back(begin + i);
    }
    live += count;
    order.offsets.push_back(begin + (few_sizes ? padded_rows(count) : count));
  }
  const int64_t L = order.offsets.back();
  const auto key = at::where(routing.live(), routing.expert,
                             at::full({}, E, routing.expert.options()));  // [T, K], dead slots last
  const auto sorted = key.reshape({-1}).argsort(/*stable=*/true, 0, /*descending=*/false);  // [T * K]
  const auto slots = sorted.narrow(0, 0, live).contiguous();  // [live]
  const auto rows = few_sizes ? at::tensor(places, at::kLong).to(slots.device())
                              : at::arange(live, slots.options());  // [live]
  order.slot_of_row = few_sizes ? at::full({L}, order.T * order.K, slots.options())
                                      .index_copy_(0, rows, slots)
                                : slots;  // [L]
  order.row_of_slot = at::full({order.T * order.K}, L, routing.expert.options())
                          .index_copy_(0, slots, rows)
                          .view({order.T, order.K});
  return order;
}

Tensor gather_rows(const Tensor& x, const SlotOrder& order) {
  check_shape(x, {order.T, -1}, "gather_rows tokens");
  return GatherRows::apply(x, at::floor_divide(order.slot_of_row, order.K), order.row_of_slot,
                           order.padded);
}

Tensor combine_rows(const Tensor& rows, const Tensor& weight, const SlotOrder& order) {
  check_shape(weight, {order.T, order.K}, "combine_rows weights");
  return CombineRows::apply(rows, weight, order.slot_of_row, order.row_of_slot, order.padded);
}

}  // namespace moe

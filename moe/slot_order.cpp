#include "moe/slot_order.h"

#include <ATen/OpMathType.h>

#include <numeric>

#include "layers/shapes.h"

namespace moe {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// That of the header, from what backward has saved.
Tensor sum_over(const Tensor& rows, const Tensor& row_weight, const Tensor& row_of_place,
                      const Tensor& place_of_token, const std::vector<int64_t>& tokens_with,
                      int64_t T) {
  const auto wide = row_weight.defined()
                        ? at::promote_types(rows.scalar_type(), row_weight.scalar_type())
                        : at::toOpMathType(rows.scalar_type());
  const auto sum = at::empty({T, rows.size(1)}, rows.options().dtype(wide));  // in order of places
  int64_t begin = 0, served = 0;
  for (const int64_t count : tokens_with) {
    if (count == 0) {
      break;  // they only become fewer
    }
    const auto chosen = row_of_place.narrow(0, begin, count);         // [count]
    const auto values = rows.index_select(0, chosen).to(wide);        // [count, D]
    auto mine = sum.narrow(0, 0, count);
    const auto weight = row_weight.defined() ? row_weight.index_select(0, chosen).unsqueeze(1)
                                             : Tensor();  // [count, 1]
    if (begin == 0) {
      weight.defined() ? at::mul_out(mine, values, weight) : mine.copy_(values);
      served = count;
    } else {
      weight.defined() ? mine.addcmul_(values, weight) : mine.add_(values);
    }
    begin += count;
  }
  sum.narrow(0, served, T - served).zero_();
  return place_of_token.defined() ? sum.index_select(0, place_of_token) : sum;
}

struct GatherRows : torch::autograd::Function<GatherRows> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const SlotOrder& order) {
    context->save_for_backward({order.row_of_place, order.place_of_token});
    context->saved_data["tokens_with"] = order.tokens_with;
    context->saved_data["T"] = order.T;
    return of_rows(x, order.token_of_row, order.padded);  // [L, D]
  }

  static variable_list backward(AutogradContext* context, variable_list grad) {
    const auto saved = context->get_saved_variables();
    const auto dx =
        sum_over(grad[0], {}, saved[0], saved[1], context->saved_data["tokens_with"].toIntVector(),
                 context->saved_data["T"].toInt());  // [T, D]
    return {dx.to(grad[0].scalar_type()), Tensor()};
  }
};

struct CombineRows : torch::autograd::Function<CombineRows> {
  static Tensor forward(AutogradContext* context, const Tensor& rows, const Tensor& weight,
                        const SlotOrder& order) {
    context->save_for_backward({rows, weight, order.slot_of_row, order.token_of_row});
    context->saved_data["padded"] = order.padded;
    const auto row_weight = of_rows(weight.reshape({-1}), order.slot_of_row, order.padded);  // [L]
    return sum_over_slots(rows, row_weight, order).to(rows.scalar_type());  // [T, D]
  }

  static variable_list backward(AutogradContext* context, variable_list grad) {
    const auto saved = context->get_saved_variables();
    const auto &rows = saved[0], &weight = saved[1], &slot_of_row = saved[2];
    const bool padded = context->saved_data["padded"].toBool();
    const auto dy = of_rows(grad[0], saved[3], padded)
                        .to(at::promote_types(rows.scalar_type(), weight.scalar_type()));  // [L, D]
    const auto row_weight = of_rows(weight.reshape({-1, 1}), slot_of_row, padded);  // [L, 1]
    const auto drow_weight = (dy * rows).sum(1);                                    // [L]
    return {(dy * row_weight).to(rows.scalar_type()), of_slots(drow_weight, weight, slot_of_row),
            Tensor()};
  }
};

}  // namespace

Tensor sum_over_slots(const Tensor& rows, const Tensor& row_weight, const SlotOrder& order) {
  return sum_over(rows, row_weight, order.row_of_place, order.place_of_token, order.tokens_with, order.T);
}

Tensor with_padding(const Tensor& tokens, bool padded) {
  if (!padded) {
    return tokens;
  }
  auto shape = tokens.sizes().vec();
  shape[0] = 1;
  return at::cat({tokens, at::zeros(shape, tokens.options())});
}

Tensor of_rows(const Tensor& tokens, const Tensor& index, bool padded) {
  return with_padding(tokens, padded).index_select(0, index);  // [L, ...]
}

Tensor of_slots(const Tensor& row_gradient, const Tensor& weight, const Tensor& slot_of_row) {
  // One place more, where padding leaves its zeros.
  return at::zeros({weight.numel() + 1}, weight.options())
      .index_copy_(0, slot_of_row, row_gradient.to(weight.scalar_type()))
      .narrow(0, 0, weight.numel())
      .view_as(weight);  // [T, K]
}

int64_t padded_rows(int64_t count) {
  int64_t step = 64;
  while (8 * step <= count) {
    step *= 2;
  }
  return (count + step - 1) / step * step;
}

int64_t LiveCounts::slots() const {
  return std::accumulate(of_expert.begin(), of_expert.end(), int64_t{0});
}

Tensor live_count_tensor(const Routing& routing) {
  const auto slots = routing.live().sum(1, /*keepdim=*/true);               // [T, 1]
  const int64_t K = routing.expert.size(1);
  const auto more = (slots > at::arange(K, slots.options())).sum(0);        // [K]
  return at::cat({routing.stats.tokens_per_expert.to(at::kLong), more});  // [E + K]
}

LiveCounts live_counts(const Tensor& on_host, int64_t experts) {
  const auto* first = on_host.const_data_ptr<int64_t>();
  return {{first, first + experts}, {first + experts, first + on_host.numel()}};
}

LiveCounts live_counts(const Routing& routing) {
  return live_counts(live_count_tensor(routing).cpu(), routing.stats.tokens_per_expert.size(0));
}

bool needs_few_sizes(const Tensor& x) { return x.scalar_type() == at::kBFloat16 && x.is_cpu(); }

SlotOrder slot_order(const Routing& routing, const LiveCounts& counts, bool few_sizes) {
  const int64_t E = static_cast<int64_t>(counts.of_expert.size());
  const int64_t T = routing.expert.size(0), K = routing.expert.size(1);
  const auto options = routing.expert.options();
  SlotOrder order;
  order.T = T;
  order.padded = few_sizes;
  order.offsets.assign(1, 0);
  std::vector<int64_t> places;  // [live] row of every live slot in expert order
  for (const int64_t count : counts.of_expert) {
    const int64_t begin = order.offsets.back();
    for (int64_t i = 0; few_sizes && i < count; ++i) {
      places.push_back(begin + i);
    }
    order.offsets.push_back(begin + (few_sizes ? padded_rows(count) : count));
  }
  for (const int64_t tokens : counts.tokens_with) {
    if (tokens > 0) {
      order.tokens_with.push_back(tokens);
    }
  }
  const int64_t live = counts.slots(), L = order.offsets.back();
  // A token's live slots moved to the front: of a dense routing's E columns few are live once it is
  // sparse, and everything below costs as much as there are columns.
  const int64_t most = static_cast<int64_t>(order.tokens_with.size());
  auto slot = at::arange(T * K, options).view({T, K}), key = routing.expert;
  const bool uneven = live != T * most;
  if (uneven || most < K) {
    const auto alive = routing.live();
    // Slots that are not live all go to one column more, which nobody reads.
    const auto column = at::where(alive, alive.cumsum(1) - 1, at::full({}, most, options));  // [T, K]
    const auto moved = [&](const Tensor& values, int64_t rest) {
      return at::full({T, most + 1}, rest, options).scatter_(1, column, values).narrow(1, 0, most);
    };
    slot = moved(slot, T * K);        // [T, most]
    key = moved(routing.expert, E);   // [T, most], dead slots last
  }
  const auto sorted = key.reshape({-1})
                          .argsort(/*stable=*/true, 0, /*descending=*/false)
                          .narrow(0, 0, live);                   // [live], into [T * most]
  const auto slots = slot.reshape({-1}).index_select(0, sorted);  // [live]
  const auto rows = few_sizes ? at::tensor(places, at::kLong).to(slots.device())
                              : at::arange(live, options);  // [live]
  order.slot_of_row =
      few_sizes ? at::full({L}, T * K, options).index_copy_(0, rows, slots) : slots;  // [L]
  order.token_of_row = at::floor_divide(order.slot_of_row, K);                        // [L]

  auto row_of = at::full({T * most}, L, options).index_copy_(0, sorted, rows).view({T, most});
  if (uneven) {
    // Tokens with more slots first, so that those with a j-th slot stand together.
    const auto by_slots =
        routing.live().sum(1).argsort(/*stable=*/true, 0, /*descending=*/true);  // [T]
    row_of = row_of.index_select(0, by_slots);
    order.place_of_token = at::empty({T}, options).index_copy_(0, by_slots, at::arange(T, options));
  }
  std::vector<Tensor> parts = {at::empty({0}, options)};
  for (int64_t j = 0; j < most; ++j) {
    parts.push_back(row_of.select(1, j).narrow(0, 0, order.tokens_with[static_cast<size_t>(j)]));
  }
  order.row_of_place = at::cat(parts);  // [live]
  return order;
}

Tensor gather_rows(const Tensor& x, const SlotOrder& order) {
  check_shape(x, {order.T, -1}, "gather_rows tokens");
  return GatherRows::apply(x, order);
}

Tensor combine_rows(const Tensor& rows, const Tensor& weight, const SlotOrder& order) {
  check_shape(weight, {order.T, -1}, "combine_rows weights");
  return CombineRows::apply(rows, weight, order);
}

}  // namespace moe

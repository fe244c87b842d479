#include "moe/slot_chunks.h"

#include <ATen/OpMathType.h>

#include <algorithm>

#include "layers/shapes.h"
#include "moe/expert_rows.h"

namespace moe {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Consecutive pieces that hold at most `chunk` rows together.
std::vector<std::vector<Piece>> chunks_of(const std::vector<int64_t>& offsets, int64_t chunk) {
  std::vector<std::vector<Piece>> chunks;
  int64_t room = 0;
  for (size_t e = 0; e + 1 < offsets.size(); ++e) {
    for (int64_t begin = offsets[e]; begin < offsets[e + 1];) {
      if (room == 0) {
        chunks.emplace_back();
        room = chunk;
      }
      const int64_t rows = std::min(room, offsets[e + 1] - begin);
      chunks.back().push_back({static_cast<int64_t>(e), begin, rows});
      begin += rows;
      room -= rows;
    }
  }
  return chunks;
}

// sum[token of row] += scale * row, one expert after the other: it has a token once, so that no order
// is left open and nothing needs atomics. Padding adds to a row behind the tokens.
void add_rows(const Tensor& sum, const std::vector<Piece>& pieces, const Tensor& token_of_row,
              const Tensor& rows, const Tensor& scale) {
  for (const auto& piece : pieces) {
    const int64_t at = piece.begin - pieces.front().begin;
    const auto tokens = token_of_row.narrow(0, piece.begin, piece.rows);
    auto now = sum.index_select(0, tokens);  // [rows, D]
    const auto mine = rows.narrow(0, at, piece.rows).to(sum.scalar_type());
    scale.defined() ? now.addcmul_(mine, scale.narrow(0, at, piece.rows)) : now.add_(mine);
    sum.index_copy_(0, tokens, now);
  }
}

struct ChunkedSlots : torch::autograd::Function<ChunkedSlots> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const Tensor& input, const Tensor& down, Activation activation,
                        const SlotOrder& order, int64_t chunk) {
    context->save_for_backward({x, weight, input, down, order.slot_of_row, order.token_of_row});
    context->saved_data["offsets"] = order.offsets;
    context->saved_data["padded"] = order.padded;
    context->saved_data["chunk"] = chunk;
    context->saved_data["activation"] = static_cast<int64_t>(activation);
    const auto wide = at::promote_types(x.scalar_type(), weight.scalar_type());
    const auto y = at::zeros({order.T + 1, x.size(1)}, x.options().dtype(wide));
    // Padded once, not once a chunk.
    const auto padded_x = with_padding(x, order.padded);
    const auto scales = with_padding(weight.reshape({-1, 1}), order.padded);
    for (const auto& pieces : chunks_of(order.offsets, chunk)) {
      const int64_t first = pieces.front().begin, n = rows_of(pieces);
      const auto rows = padded_x.index_select(0, order.token_of_row.narrow(0, first, n));  // [n, D]
      const auto hidden = activate(piece_products(rows, pieces, input, true), activation);        // [n, F]
      const auto scale = scales.index_select(0, order.slot_of_row.narrow(0, first, n));    // [n, 1]
      add_rows(y, pieces, order.token_of_row, piece_products(hidden, pieces, down, false), scale);
    }
    return y.narrow(0, 0, order.T).to(x.scalar_type());  // [T, D]
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &weight = saved[1], &input = saved[2], &down = saved[3];
    const auto &slot_of_row = saved[4], &token_of_row = saved[5];
    const bool padded = context->saved_data["padded"].toBool();
    const auto dy = grads[0].contiguous();  // [T, D]
    // Frozen experts need no gradient of their own.
    const bool of_input = context->needs_input_grad(2), of_down = context->needs_input_grad(3);
    const ExpertWeights experts{input, down,
                                static_cast<Activation>(context->saved_data["activation"].toInt()),
                                of_input ? ExpertWeights::zeros_like(input) : Tensor(),
                                of_down ? ExpertWeights::zeros_like(down) : Tensor()};
    const auto dx = at::zeros({x.size(0) + 1, x.size(1)},
                              x.options().dtype(at::toOpMathType(x.scalar_type())));
    const auto drow_weight = at::empty({slot_of_row.size(0)}, weight.options());  // [L]
    const auto padded_x = with_padding(x, padded), padded_dy = with_padding(dy, padded);
    const auto scales = with_padding(weight.reshape({-1, 1}), padded);
    for (const auto& pieces : chunks_of(context->saved_data["offsets"].toIntVector(),
                                        context->saved_data["chunk"].toInt())) {
      const int64_t first = pieces.front().begin, n = rows_of(pieces);
      const auto tokens = token_of_row.narrow(0, first, n);
      const auto rows = padded_x.index_select(0, tokens);  // [n, D]
      const auto projected = piece_products(rows, pieces, input, true);  // [n, F or 2F]
      const auto dout = padded_dy.index_select(0, tokens);               // [n, D]
      const auto scale = scales.index_select(0, slot_of_row.narrow(0, first, n));  // [n, 1]
      const auto gradients = rows_backward(rows, projected, dout, scale, pieces, experts);
      drow_weight.narrow(0, first, n).copy_(gradients.weight.squeeze(1));
      add_rows(dx, pieces, token_of_row, gradients.rows, {});
    }
    return {dx.narrow(0, 0, x.size(0)).to(x.scalar_type()),
            of_slots(drow_weight, weight, slot_of_row),
            of_input ? experts.dinput.to(input.scalar_type()) : Tensor(),
            of_down ? experts.ddown.to(down.scalar_type()) : Tensor(), Tensor(), Tensor(), Tensor()};
  }
};

}  // namespace

Tensor chunked_slots(const Tensor& x, const Tensor& weight, const SlotOrder& order,
                     const Experts& experts, int64_t chunk) {
  check_shape(x, {order.T, -1}, "chunked_slots tokens");
  check_shape(weight, {order.T, -1}, "chunked_slots weights");
  TORCH_CHECK(chunk > 0, "chunked_slots: expected a chunk of at least 1 row, found ", chunk);
  return ChunkedSlots::apply(x, weight, experts.input(), experts.down(), experts.activation(), order,
                             chunk);
}

double recomputed_share(Activation activation) { return is_gated(activation) ? 2.0 / 3 : 1.0 / 2; }

}  // namespace moe

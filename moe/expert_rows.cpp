#include "moe/expert_rows.h"

#include <ATen/OpMathType.h>

namespace moe {
namespace {

// dweight[e] += a^T b over the piece's rows.
void add_products(const Tensor& dweight, const std::vector<Piece>& pieces, const Tensor& a,
                  const Tensor& b) {
  for (const auto& piece : pieces) {
    const int64_t at = piece.begin - pieces.front().begin;
    const auto left = a.narrow(0, at, piece.rows).t(), right = b.narrow(0, at, piece.rows);
    auto sum = dweight.select(0, piece.expert);
    a.scalar_type() == sum.scalar_type() ? sum.addmm_(left, right) : sum.add_(at::mm(left, right));
  }
}

}  // namespace

int64_t rows_of(const std::vector<Piece>& pieces) {
  return pieces.empty() ? 0 : pieces.back().begin + pieces.back().rows - pieces.front().begin;
}

Tensor piece_products(const Tensor& rows, const std::vector<Piece>& pieces, const Tensor& weight,
                      bool transposed) {
  const auto out = at::empty({rows.size(0), weight.size(transposed ? 1 : 2)}, rows.options());
  for (const auto& piece : pieces) {
    const int64_t at = piece.begin - pieces.front().begin;
    const auto w = weight.select(0, piece.expert);
    auto mine = out.narrow(0, at, piece.rows);
    at::mm_out(mine, rows.narrow(0, at, piece.rows), transposed ? w.t() : w);
  }
  return out;
}

Tensor ExpertWeights::zeros_like(const Tensor& weight) {
  return at::zeros_like(weight, weight.options().dtype(at::toOpMathType(weight.scalar_type())));
}

RowGradients rows_backward(const Tensor& rows, const Tensor& projected, const Tensor& dout,
                           const Tensor& scale, const std::vector<Piece>& pieces,
                           const ExpertWeights& experts) {
  auto leaf = projected.detach().requires_grad_(true);  // [n, F or 2F]
  Tensor hidden;                                        // [n, F]
  {
    at::AutoGradMode with_grad(true);
    hidden = activate(leaf, experts.activation);
  }
  const auto wide = at::promote_types(rows.scalar_type(), scale.scalar_type());
  // Of the row before its weight; <dy, row> is <that, hidden>, without the row itself.
  const auto dplain = piece_products(dout, pieces, experts.down.transpose(1, 2), false);  // [n, F]
  const auto dweight = (dplain.to(wide) * hidden.detach()).sum(1, /*keepdim=*/true);      // [n, 1]
  const auto dhidden = (dplain * scale).to(rows.scalar_type());
  if (experts.ddown.defined()) {
    add_products(experts.ddown, pieces, hidden.detach(), (dout * scale).to(rows.scalar_type()));
  }
  const auto dprojected = torch::autograd::grad({hidden}, {leaf}, {dhidden})[0];
  if (experts.dinput.defined()) {
    add_products(experts.dinput, pieces, dprojected, rows);
  }
  return {piece_products(dprojected, pieces, experts.input, false), dweight.to(scale.scalar_type())};
}

}  // namespace moe

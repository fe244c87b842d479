// Rows that are sorted by expert, computed piece by piece, with a backward that autograd does not record:
// for those who keep less than it would (moe/slot_chunks.h) or do other things in between
// (moe/expert_exchange.h).
#pragma once

#include <vector>

#include "layers/activation.h"
#include "layers/torch.h"

namespace moe {

// Consecutive rows of one expert.
struct Piece {
  int64_t expert;
  int64_t begin;  // of all rows
  int64_t rows;
};

int64_t rows_of(const std::vector<Piece>& pieces);

// One product per piece into a fresh tensor: rows [n, A], of which the pieces' first is row 0, times an
// expert's [A, N] (or [N, A], transposed) -> [n, N].
Tensor piece_products(const Tensor& rows, const std::vector<Piece>& pieces, const Tensor& weight,
                      bool transposed);

// Both matrices of the experts, and where their gradients are added up: undefined where none is wanted.
struct ExpertWeights {
  Tensor input;  // [E, F or 2F, D]
  Tensor down;   // [E, F, D]
  Activation activation;
  Tensor dinput, ddown;

  // Zeros in the wider dtype: bf16 would round the sum once a piece.
  static Tensor zeros_like(const Tensor& weight);
};

struct RowGradients {
  Tensor rows;    // [n, D]
  Tensor weight;  // [n, 1] in `scale`'s dtype
};

// Backward of scale * f_e(rows): `projected` = rows * input^T, `dout` [n, D] the gradient of what the
// scaled rows were added into, `scale` [n, 1]. Adds to dinput and ddown.
RowGradients rows_backward(const Tensor& rows, const Tensor& projected, const Tensor& dout,
                           const Tensor& scale, const std::vector<Piece>& pieces,
                           const ExpertWeights& experts);

}  // namespace moe

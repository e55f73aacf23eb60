// Products with a block-diagonal matrix: y[rows, blocks * out] of x[rows, blocks * in], w[blocks, in, out].
#pragma once
#include "kernels/naive/block_diagonal.h"

namespace seqbench::kernels {

void block_diagonal(const BlockShape& shape, const float* x, const float* w, float* y);
inline void block_diagonal(const BlockShape& shape, const double* x, const double* w, double* y) {
  naive::block_diagonal(shape, x, w, y);
}

// Adds to dx and dw.
void block_diagonal_backward(const BlockShape& shape, const float* x, const float* w, const float* dy,
                             float* dx, float* dw);
inline void block_diagonal_backward(const BlockShape& shape, const double* x, const double* w,
                                    const double* dy, double* dx, double* dw) {
  naive::block_diagonal_backward(shape, x, w, dy, dx, dw);
}

}  // namespace seqbench::kernels

// Rotary position embedding (Su et al. 2021, arXiv 2104.09864): every pair of columns (m, m + head_dim / 2)
// of a head is turned by its token's position times 10000^(-2 m / head_dim), so that the product of two
// tokens depends on the distance between them alone.
#pragma once
#include "kernels/naive/rotary.h"

namespace seqbench::kernels {

// x, y: [batch, length, heads * head_dim]. Angles are kept in f64: an f32 is off by up to 0.004 radians at
// position 100000.
void rotary(const RotaryShape& shape, const float* x, float* y);
inline void rotary(const RotaryShape& shape, const double* x, double* y) { naive::rotary(shape, 1, x, y); }

// Overwrites dx: the gradient turned back.
void rotary_backward(const RotaryShape& shape, const float* dy, float* dx);
inline void rotary_backward(const RotaryShape& shape, const double* dy, double* dx) {
  naive::rotary(shape, -1, dy, dx);
}

}  // namespace seqbench::kernels

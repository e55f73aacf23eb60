// Rotation of neighbouring pairs (2m, 2m + 1), as in RetNet (Sun et al. 2023, arXiv 2307.08621).
#pragma once
#include "kernels/naive/pair_rotation.h"

namespace seqbench::kernels {

// y = scale * x with every pair turned by its angle.
void rotate_pairs(const PairRotationShape& shape, const float* x, const float* angles, float* y);
inline void rotate_pairs(const PairRotationShape& shape, const double* x, const double* angles, double* y) {
  naive::rotate_pairs(shape, x, angles, y);
}

// Adds to dx.
void rotate_pairs_backward(const PairRotationShape& shape, const float* dy, const float* angles, float* dx);
inline void rotate_pairs_backward(const PairRotationShape& shape, const double* dy, const double* angles,
                                  double* dx) {
  naive::rotate_pairs_backward(shape, dy, angles, dx);
}

}  // namespace seqbench::kernels

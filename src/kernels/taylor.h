// Features whose products are the second-order Taylor polynomial of the exponential (Arora et al. 2024, arXiv
// 2402.18668): y(q).y(k) = 1 + s + s^2 / 2 with s = q.k / sqrt(dim), which is at least 1/2.
#pragma once
#include "kernels/naive/taylor.h"

namespace seqbench::kernels {

// y[rows, taylor_size(dim)] of x[rows, dim].
void taylor(std::int64_t rows, std::int64_t dim, const float* x, float* y);
inline void taylor(std::int64_t rows, std::int64_t dim, const double* x, double* y) {
  naive::taylor(rows, dim, x, y);
}

// Adds to dx[rows, dim].
void taylor_backward(std::int64_t rows, std::int64_t dim, const float* x, const float* dy, float* dx);
inline void taylor_backward(std::int64_t rows, std::int64_t dim, const double* x, const double* dy,
                            double* dx) {
  naive::taylor_backward(rows, dim, x, dy, dx);
}

}  // namespace seqbench::kernels

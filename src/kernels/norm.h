// Layer normalisation of rows (Ba et al. 2016, arXiv 1607.06450).
#pragma once
#include "kernels/naive/norm.h"

namespace seqbench::kernels {

// y = (x - mean) rstd * gain + bias for x[rows, width]; mean[rows] and rstd[rows] = 1 / sqrt(variance + eps)
// are kept for backward.
void layer_norm(std::int64_t rows, std::int64_t width, const float* x, const float* gain, const float* bias,
                float* y, float* mean, float* rstd, float eps);
inline void layer_norm(std::int64_t rows, std::int64_t width, const double* x, const double* gain,
                       const double* bias, double* y, double* mean, double* rstd, double eps) {
  naive::layer_norm(rows, width, x, gain, bias, y, mean, rstd, eps);
}

// Overwrites, or adds to when told to accumulate, dx[rows, width]; adds to dgain[width] and dbias[width].
void layer_norm_backward(std::int64_t rows, std::int64_t width, const float* x, const float* gain,
                         const float* mean, const float* rstd, const float* dy, float* dx, bool accumulate_dx,
                         float* dgain, float* dbias);
inline void layer_norm_backward(std::int64_t rows, std::int64_t width, const double* x, const double* gain,
                                const double* mean, const double* rstd, const double* dy, double* dx,
                                bool accumulate_dx, double* dgain, double* dbias) {
  naive::layer_norm_backward(rows, width, x, gain, mean, rstd, dy, dx, accumulate_dx, dgain, dbias);
}

}  // namespace seqbench::kernels

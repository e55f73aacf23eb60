// Normalisation of rows: LayerNorm (Ba et al. 2016, arXiv 1607.06450) and RMSNorm (Zhang & Sennrich 2019,
// arXiv 1910.07467).
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

// y = (x - mean) rstd for x[rows, width] when `centred`, else x rstd with rstd = 1 / sqrt(mean x^2 + eps): a
// norm without parameters. rstd[rows] is kept for backward.
void unit_norm(std::int64_t rows, std::int64_t width, bool centred, const float* x, float* y, float* rstd,
               float eps);
inline void unit_norm(std::int64_t rows, std::int64_t width, bool centred, const double* x, double* y,
                      double* rstd, double eps) {
  naive::unit_norm(rows, width, centred, x, y, rstd, eps);
}

// Overwrites, or adds to when told to accumulate, dx[rows, width]; y and rstd are those of unit_norm().
void unit_norm_backward(std::int64_t rows, std::int64_t width, bool centred, const float* y,
                        const float* rstd, const float* dy, float* dx, bool accumulate);
inline void unit_norm_backward(std::int64_t rows, std::int64_t width, bool centred, const double* y,
                               const double* rstd, const double* dy, double* dx, bool accumulate) {
  naive::unit_norm_backward(rows, width, centred, y, rstd, dy, dx, accumulate);
}

}  // namespace seqbench::kernels

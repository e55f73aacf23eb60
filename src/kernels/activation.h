// Functions of one number.
#pragma once
#include "kernels/naive/activation.h"

namespace seqbench::kernels {

// y = gelu(x + bias), x[rows, width], bias[width], in the tanh form of Hendrycks & Gimpel 2016 (arXiv
// 1606.08415).
void bias_gelu(std::int64_t rows, std::int64_t width, const float* x, const float* bias, float* y);
inline void bias_gelu(std::int64_t rows, std::int64_t width, const double* x, const double* bias, double* y) {
  naive::bias_gelu(rows, width, x, bias, y);
}
// Overwrites, or adds to when told to accumulate, dx[rows, width] and dbias[width].
void bias_gelu_backward(std::int64_t rows, std::int64_t width, const float* x, const float* bias,
                        const float* dy, float* dx, bool accumulate_dx, float* dbias, bool accumulate_dbias);
inline void bias_gelu_backward(std::int64_t rows, std::int64_t width, const double* x, const double* bias,
                               const double* dy, double* dx, bool accumulate_dx, double* dbias,
                               bool accumulate_dbias) {
  naive::bias_gelu_backward(rows, width, x, bias, dy, dx, accumulate_dx, dbias, accumulate_dbias);
}

// y = f(x) for count numbers; `f` is declared in naive/activation.h.
void activate(Activation f, std::int64_t count, const float* x, float* y);
inline void activate(Activation f, std::int64_t count, const double* x, double* y) {
  naive::activate(f, count, x, y);
}
// dx = dy f'(x), added to dx when accumulating.
void activate_backward(Activation f, std::int64_t count, const float* x, const float* dy, float* dx,
                       bool accumulate);
inline void activate_backward(Activation f, std::int64_t count, const double* x, const double* dy, double* dx,
                              bool accumulate) {
  naive::activate_backward(f, count, x, dy, dx, accumulate);
}

}  // namespace seqbench::kernels

// Short causal depthwise convolution: y_t = sum_r weight[r] .* x_{t-r}, x, y[batch, length, width],
// weight[taps, width].
#pragma once
#include "kernels/naive/conv.h"

namespace seqbench::kernels {

// history: [batch, taps - 1, width], the inputs before x, oldest first; null where there were none.
void conv(const ConvShape& shape, const float* x, const float* weight, const float* history, float* y);
inline void conv(const ConvShape& shape, const double* x, const double* weight, const double* history,
                 double* y) {
  naive::conv(shape, x, weight, history, y);
}

// Adds to dx[batch, length, width] and dweight[taps, width]; for sequences without history.
void conv_backward(const ConvShape& shape, const float* x, const float* weight, const float* dy, float* dx,
                   float* dweight);
inline void conv_backward(const ConvShape& shape, const double* x, const double* weight, const double* dy,
                          double* dx, double* dweight) {
  naive::conv_backward(shape, x, weight, dy, dx, dweight);
}

}  // namespace seqbench::kernels

// Operations on rows, on a tape: each has its kernel's forward and backward side by side. Tensors are [...,
// width]; all but the last dimension are rows.
#pragma once
#include <cstdint>

#include "autograd/tape.h"
#include "kernels/activation.h"

namespace seqbench {

// x[.., n] w[n, m]: y[.., m].
Tensor matmul(Tape& tape, const Tensor& x, const Tensor& w);

// x[.., n] + bias[n]
Tensor add_bias(Tape& tape, const Tensor& x, const Tensor& bias);

// a + b, of one shape.
Tensor add(Tape& tape, const Tensor& a, const Tensor& b);

// gelu(x + bias), tanh form (Hendrycks & Gimpel 2016, arXiv 1606.08415).
Tensor bias_gelu(Tape& tape, const Tensor& x, const Tensor& bias);

// f(x), number by number.
Tensor activate(Tape& tape, const Tensor& x, Activation f);

// a b, number by number, of one shape.
Tensor multiply(Tape& tape, const Tensor& a, const Tensor& b);

// x[.., n] gain[n], column by column.
Tensor multiply_columns(Tape& tape, const Tensor& x, const Tensor& gain);

// y[.., blocks * m] of x[.., blocks * n] and w[blocks, n, m]: each block of columns by its own matrix.
Tensor block_diagonal(Tape& tape, const Tensor& x, const Tensor& w);

// (x - mean) / sqrt(variance + 1e-5) * gain + bias, over the width (Ba et al. 2016, arXiv 1607.06450).
Tensor layer_norm(Tape& tape, const Tensor& x, const Tensor& gain, const Tensor& bias);

// The same without gain and bias; and, not centred, x / sqrt(mean x^2 + eps) (RMSNorm, Zhang & Sennrich 2019,
// arXiv 1910.07467). To norm every head of x[B, L, heads * d] for itself, reshape it to [B, L, heads, d].
Tensor unit_norm(Tape& tape, const Tensor& x, bool centred, double eps);

}  // namespace seqbench

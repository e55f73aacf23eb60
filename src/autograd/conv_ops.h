// The short convolution, on a tape.
#pragma once
#include "autograd/state.h"

namespace seqbench {

// Causal depthwise convolution: y_t = sum_r w[r] .* x_{t-r}, x[B, L, D], w[K, D]. `state`: the last K - 1
// inputs [B, K - 1, D], oldest first, or null when there were none.
Tensor short_conv(Tape& tape, const Tensor& x, const Tensor& weight, StateTensor* state);

}  // namespace seqbench

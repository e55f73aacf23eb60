// Cells whose gates see their own state, token after token, on a tape.
#pragma once
#include "autograd/state.h"

namespace seqbench {

// The LSTM over x W + b [B, L, 4W], gates in the order i, f, g, o, with u[W, 4W]: h[B, L, W]. `state`: h and
// c, [B, 2W], or null to start from zeros.
Tensor lstm(Tape& tape, const Tensor& x, const Tensor& u, StateTensor* state);

// The GRU over x W + b [B, L, 3W], gates in the order r, z, n, with u[W, 3W] and b_hn `bias`[W]: h[B, L, W].
// `state`: h[B, W], or null to start from zeros.
Tensor gru(Tape& tape, const Tensor& x, const Tensor& u, const Tensor& bias, StateTensor* state);

}  // namespace seqbench

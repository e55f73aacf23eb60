// Recurrences whose gates see the input only, on a tape.
#pragma once
#include "autograd/state.h"

namespace seqbench {

// The minGRU cell over gate and candidate pre-activations [B, L, D]: h[B, L, D]. `state`: h[B, D], or null to
// start from zeros.
Tensor min_gru(Tape& tape, const Tensor& gate, const Tensor& candidate, StateTensor* state);

}  // namespace seqbench

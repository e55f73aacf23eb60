// Recurrences whose gates see the input only, on a tape.
#pragma once
#include "autograd/state.h"
#include "kernels/gated_scan.h"

namespace seqbench {

// Token after token, or in chunks (kernels/gated_scan.h): one function, one gradient.
enum class ScanOrder { sequential, chunked };

// h_t = (1 - z_t) h_{t-1} + z_t h~_t, z = sigmoid(gate), of gate and candidate pre-activations [B, L, W]:
// h[B, L, W]. `state`: h[B, W], or null to start from zeros.
Tensor gated_scan(Tape& tape, const Tensor& gate, const Tensor& candidate, Candidate kind, ScanOrder order,
                  StateTensor* state);

// log(sigmoid(input) / sigmoid(forget)), number by number: as the gate above it makes z = i / (f + i).
Tensor log_odds(Tape& tape, const Tensor& input, const Tensor& forget);

}  // namespace seqbench

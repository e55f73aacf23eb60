// Linear attention, on a tape.
#pragma once
#include <cstdint>

#include "autograd/state.h"

namespace seqbench {

// Normalised linear attention of feature maps q, k (not negative) and v, each [B, L, heads * d]. `state`:
// [B, heads, d (d + 1)], or null to start from zeros; with a state it is not recorded.
Tensor linear_attention(Tape& tape, const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads,
                        StateTensor* state);

}  // namespace seqbench

// Attention over every position before, on a tape.
#pragma once
#include <cstdint>

#include "autograd/tape.h"

namespace seqbench {

// Causal softmax attention of q, k, v, each [B, L, heads * d]: y[B, L, heads * d]. Scores are q.k / sqrt(d).
Tensor causal_attention(Tape& tape, const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads);

// The attention of queries that are the last of the tokens in a cache: keys and values [tokens, B, heads * d]
// already hold those of q[B, L, heads * d].
Tensor cached_attention(Tape& tape, const Tensor& q, const Tensor& keys, const Tensor& values,
                        std::int64_t heads);

}  // namespace seqbench

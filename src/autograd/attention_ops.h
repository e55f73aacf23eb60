// Attention and the rotation of its queries and keys, on a tape.
#pragma once
#include <cstdint>
#include <limits>

#include "autograd/tape.h"
#include "kernels/attention.h"

namespace seqbench {

// q and k are of [B, L, heads * d] and [B, L, kv_heads * d], v as k. q_sinks, as q, holds the queries that
// read the sinks of a window; without data q reads them too. Scores are q.k / sqrt(d).
struct AttentionTensors {
  Tensor q, k, v;
  Tensor q_sinks = {};
};

// Causal attention of tokens to those before and themselves: y[B, L, heads * d].
Tensor causal_attention(Tape& tape, const AttentionRule& rule, const AttentionTensors& in);

// The attention of queries that are the last of the tokens in a cache: k and v [tokens, B, kv_heads * d]
// already hold those of q[B, L, heads * d]. Tokens between the sinks and the window of the first query may be
// missing.
Tensor cached_attention(Tape& tape, const AttentionRule& rule, const AttentionTensors& in);

// Rotary position embedding (Su et al. 2021, arXiv 2104.09864) of every head of x[B, L, heads * head_dim],
// whose first token is at position `first`; positions beyond `last` are taken as `last`.
Tensor rotary(Tape& tape, const Tensor& x, std::int64_t head_dim, std::int64_t first,
              std::int64_t last = std::numeric_limits<std::int64_t>::max());

}  // namespace seqbench

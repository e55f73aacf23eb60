// Operations that mix positions, on a tape: each has its kernel's forward and backward side by side.
#pragma once
#include "autograd/tape.h"

namespace seqbench {

// Causal softmax attention of q, k, v, each [B, L, heads * d]: y[B, L, heads * d]. Scores are q.k / sqrt(d).
Tensor causal_attention(Tape& tape, const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads);

// Appends the tokens of x[B, L, D] to a cache [tokens, B, D]. Not recorded.
void append_tokens(const Tensor& x, Buffer& cache);

// The attention of queries that are the last of the tokens in a cache: keys and values are [tokens, B, heads
// * d] buffers that already hold those of q[B, L, heads * d]. Not recorded.
Tensor cached_attention(Tape& tape, const Tensor& q, const Buffer& keys, const Buffer& values,
                        std::int64_t heads);

// Normalised linear attention of feature maps q, k (not negative) and v, each [B, L, heads * d], from an
// empty state.
Tensor linear_attention(Tape& tape, const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads);

// The same after `state`, [B, heads, d (d + 1)], which is left as it is after the last token. Not recorded.
Tensor linear_attention(Tape& tape, const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads,
                        Buffer& state);

// The minGRU cell over gate and candidate pre-activations [B, L, D], from h = 0: h[B, L, D].
Tensor min_gru(Tape& tape, const Tensor& gate, const Tensor& candidate);

// The same after `state`, h[B, D]. Not recorded.
Tensor min_gru(Tape& tape, const Tensor& gate, const Tensor& candidate, Buffer& state);

// Causal depthwise convolution: y_t = sum_r w[r] .* x_{t-r}, x[B, L, D], w[K, D].
Tensor short_conv(Tape& tape, const Tensor& x, const Tensor& weight);

// The same after `state`, the last K - 1 inputs [B, K - 1, D], oldest first. Not recorded.
Tensor short_conv(Tape& tape, const Tensor& x, const Tensor& weight, Buffer& state);

}  // namespace seqbench

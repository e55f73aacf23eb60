// Attention to a few chosen positions, on a tape.
#pragma once
#include <cstdint>

#include "autograd/state.h"

namespace seqbench {

// Softmax attention of q, each row to the k keys of the largest q.k / sqrt(d): y[B, L, heads * d] of q, keys
// and values [B, L, heads * d].
Tensor top_k_attention(Tape& tape, const Tensor& q, const Tensor& keys, const Tensor& values,
                       std::int64_t heads, std::int64_t k);

// The same of queries that are the last of the tokens in a cache: keys and values [tokens, B, heads * d]
// already hold those of q[B, L, heads * d].
Tensor cached_top_k_attention(Tape& tape, const Tensor& q, const Tensor& keys, const Tensor& values,
                              std::int64_t heads, std::int64_t k);

struct SparseKSettings {
  std::int64_t heads = 1;
  std::int64_t kv_heads = 1;
  std::int64_t k = 1;       // selected tokens
  std::int64_t window = 1;  // newest tokens, its own included, that a query attends ungated
  double slope = 0;         // added to a score for every position
  bool gate_keys = false;   // the gate multiplies keys too
  bool hard = false;        // the gate of a selected token is 1, its gradient that of the soft one
};

// Tokens in the layout of x, [B, L, ...].
struct SparseKTokens {
  Tensor keys;    // [B, L, kv_heads * d]
  Tensor values;  // [B, L, kv_heads * d]
  Tensor scores;  // [B, L, kv_heads]
};

// SPARSEK attention (kernels/sparse_k.h): y[B, L, heads * d] of q[B, L, heads * d]. `state`: null to start
// from empty, or the parts of add_sparse_k_state().
Tensor sparse_k_attention(Tape& tape, const SparseKSettings& settings, const Tensor& q,
                          const SparseKTokens& x, TapeState* state);

// The parts, at first without rows:
//   keys, values [rows, B, kv_heads * d]: of the selected and the window's tokens, at most k + window, in the
//   order
//     they were read; a row may hold different tokens for different KV heads
//   scores, positions [outside + rows, B, kv_heads]: of the same, after those of tokens that are not selected
//   but whose
//     gate is not 0 yet, on which tau depends too, least first. There are as many of those as scores between
//     tau and the least selected one: about k for scores without ties, in no relation to the length read.
void add_sparse_k_state(State& state, std::int64_t kv_heads, std::int64_t head_dim, DType type);

}  // namespace seqbench

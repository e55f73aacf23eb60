// Linear attention with a decay fixed per head (none: Katharopoulos et al. 2020, arXiv 2006.16236; some:
// RetNet, Sun et al. 2023, arXiv 2307.08621), chunk by chunk: inside a chunk as a masked product, between
// chunks through the state. Cost is linear in length; backward needs only the state at each chunk's start.
// Every power of a decay is that of a whole number of tokens >= 0, so that none is above 1 however long the
// chunk.
#pragma once
#include <cstdint>

#include "kernels/naive/linear_attention.h"

namespace seqbench::kernels {

// Numbers that linear_attention() leaves for backward in chunk_states: the state at the start of every chunk,
// [chunks, batch, heads, state_size].
std::int64_t linear_chunk_states(const LinearShape& shape);
// Numbers of scratch that the f32 calls need.
std::int64_t linear_attention_scratch(const LinearShape& shape);

void linear_attention(const LinearShape& shape, const float* q, const float* k, const float* v,
                      const LinearOutputs<float>& out, float* scratch);
inline void linear_attention(const LinearShape& shape, const double* q, const double* k, const double* v,
                             const LinearOutputs<double>& out, double* /*scratch*/) {
  naive::LinearAttention<double>(shape, q, k, v).forward(out);
}

void linear_attention_backward(const LinearShape& shape, const float* q, const float* k, const float* v,
                               const LinearGradients<float>& gradients, float* scratch);
inline void linear_attention_backward(const LinearShape& shape, const double* q, const double* k,
                                      const double* v, const LinearGradients<double>& gradients,
                                      double* /*scratch*/) {
  naive::LinearAttention<double>(shape, q, k, v).backward(gradients);
}

// The recurrent form, token by token, when no backward follows: one pass over the state a token.
void linear_attention_step(const LinearShape& shape, const float* q, const float* k, const float* v,
                           float* state, float* o);
inline void linear_attention_step(const LinearShape& shape, const double* q, const double* k, const double* v,
                                  double* state, double* o) {
  std::vector<double> den(static_cast<std::size_t>(shape.batch * shape.heads * shape.length));
  naive::LinearAttention<double>(shape, q, k, v).forward({state, o, den.data(), nullptr});
}

}  // namespace seqbench::kernels

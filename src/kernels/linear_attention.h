// Normalised linear attention (Katharopoulos et al. 2020, arXiv 2006.16236), chunk by chunk: inside a chunk
// as a masked product, between chunks through the state. Cost is linear in length; backward needs only the
// state at each chunk's start.
#pragma once
#include <cstdint>

#include "kernels/naive/linear_attention.h"

namespace seqbench::kernels {

constexpr std::int64_t kLinearChunk = 64;

// Numbers that linear_attention() leaves for backward in chunk_states: the state at the start of every chunk.
std::int64_t linear_chunk_states(const LinearShape& shape);
// Numbers of scratch that the f32 calls need.
std::int64_t linear_attention_scratch(const LinearShape& shape);

// Where o, den[batch, heads, length] and the states go. state: [batch, heads, state_size], read first and
// left as it is after the last token. chunk_states may be null when no backward follows.
template <class T>
struct LinearOutputs {
  T* state;
  T* o;
  T* den;
  T* chunk_states;
};

void linear_attention(const LinearShape& shape, const float* q, const float* k, const float* v,
                      const LinearOutputs<float>& out, float* scratch);
void linear_attention(const LinearShape& shape, const double* q, const double* k, const double* v,
                      const LinearOutputs<double>& out, double* scratch);

// What linear_attention() left, the gradient of o, and where the gradients of q, k and v are added. The state
// before the first token is taken to be empty.
template <class T>
struct LinearGradients {
  const T* o;
  const T* den;
  const T* chunk_states;
  const T* d_o;
  T* dq;
  T* dk;
  T* dv;
};

void linear_attention_backward(const LinearShape& shape, const float* q, const float* k, const float* v,
                               const LinearGradients<float>& gradients, float* scratch);
void linear_attention_backward(const LinearShape& shape, const double* q, const double* k, const double* v,
                               const LinearGradients<double>& gradients, double* scratch);

// The recurrent form, token by token.
void linear_attention_step(const LinearShape& shape, const float* q, const float* k, const float* v,
                           float* state, float* o);
void linear_attention_step(const LinearShape& shape, const double* q, const double* k, const double* v,
                           double* state, double* o);

}  // namespace seqbench::kernels

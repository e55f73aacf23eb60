// SPARSEK attention (Lou et al. 2024, arXiv 2406.16747): softmax over the newest tokens and k selected ones,
// whose values (and keys) are gated by m = clip(u - tau, 0, 1). In chunks of queries: the tokens that some
// query of a chunk sees are gathered, at most k + window + kSparseChunk of them, and attended as one dense
// tile under a mask. Cost is linear in length.
#pragma once
#include <cstdint>

#include "kernels/naive/sparse_k.h"
#include "kernels/sparse_k_select.h"

namespace seqbench::kernels {

constexpr std::int64_t kSparseChunk = 32;

// Numbers of scratch that the f32 calls need: sparse_k(), sparse_k_backward().
std::int64_t sparse_k_scratch(const SparseKShape& shape);

// What attention reads, laid out as SparseKShape says, and what sparse_k_select() found in u.
template <class T>
struct SparseKInputs {
  const T* q;
  const T* k;
  const T* v;
  const double* u;
  SparseKSelection selection;
};

// o[batch, queries, width] and lse[batch, heads, queries].
void sparse_k(const SparseKShape& shape, const SparseKInputs<float>& in, float* o, float* lse,
              float* scratch);
void sparse_k(const SparseKShape& shape, const SparseKInputs<double>& in, double* o, double* lse,
              double* scratch);

// What sparse_k() left in o and lse, the gradient of o, and where the gradients of q, k, v and u are added.
template <class T>
struct SparseKGradients {
  const T* o;
  const T* lse;
  const T* d_o;
  T* dq;
  T* dk;
  T* dv;
  double* du;
};
void sparse_k_backward(const SparseKShape& shape, const SparseKInputs<float>& in,
                       const SparseKGradients<float>& gradients, float* scratch);
void sparse_k_backward(const SparseKShape& shape, const SparseKInputs<double>& in,
                       const SparseKGradients<double>& gradients, double* scratch);

}  // namespace seqbench::kernels

// Softmax attention to the k keys with the largest scores, query by query (Explicit Sparse Transformer, Zhao
// et al. 2019, arXiv 1912.11637; Gupta et al. 2021, arXiv 2106.06899). Every product of a query and a key is
// taken; values are read, and everything in backward is done, for the kept ones only.
#pragma once
#include <cstdint>

#include "kernels/naive/top_k.h"

namespace seqbench::kernels {

// Queries and keys of a tile: its scores take 8 KiB, besides the keys.
constexpr std::int64_t kTopKQueries = 16;
constexpr std::int64_t kTopKKeys = 128;

// Numbers of scratch that the f32 top_k() needs.
std::int64_t top_k_scratch(const TopKShape& shape);

// What backward needs of each query: [batch, heads, queries, min(k, keys)], of which the first min(k,
// visible) are written.
template <class T>
struct TopKKept {
  std::int32_t* keys;
  T* weights;  // their softmax
};

// o[batch, queries, width]. f64 writes nothing to kept: its backward begins anew.
void top_k(const TopKShape& shape, const float* q, const float* k, const float* v, float* o,
           const TopKKept<float>& kept, float* scratch);
void top_k(const TopKShape& shape, const double* q, const double* k, const double* v, double* o,
           const TopKKept<double>& kept, double* scratch);

// Adds to dq, dk and dv.
template <class T>
struct TopKGradients {
  const T* d_o;
  T* dq;
  T* dk;
  T* dv;
};
void top_k_backward(const TopKShape& shape, const float* q, const float* k, const float* v,
                    const TopKKept<float>& kept, const TopKGradients<float>& gradients);
void top_k_backward(const TopKShape& shape, const double* q, const double* k, const double* v,
                    const TopKKept<double>& kept, const TopKGradients<double>& gradients);

}  // namespace seqbench::kernels

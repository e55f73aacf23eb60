// Causal softmax attention in tiles: no L x L matrix is ever held (Vaswani et al. 2017, arXiv 1706.03762; the
// tiling is that of Dao et al. 2022, arXiv 2205.14135). Tiles above the diagonal are skipped, and not counted
// as FLOPs.
#pragma once
#include <cstdint>

#include "kernels/naive/attention.h"

namespace seqbench::kernels {

// Queries and keys of a tile: scores and their gradients take 32 KiB, the size of an L1 cache.
constexpr std::int64_t kQueryTile = 32;
constexpr std::int64_t kKeyTile = 128;
// Rows of scores and of transposed keys are read by whole vectors, of up to 16 numbers.
constexpr std::int64_t padded_keys(std::int64_t keys) { return (keys + 15) / 16 * 16; }

// Numbers of scratch that the f32 calls need: attention(), attention_backward().
std::int64_t attention_scratch(const AttentionShape& shape);

// o[batch, queries, width] and lse[batch, heads, queries] of q, k and v, laid out as AttentionShape says.
void attention(const AttentionShape& shape, const float* q, const float* k, const float* v, float* o,
               float* lse, float* scratch);
void attention(const AttentionShape& shape, const double* q, const double* k, const double* v, double* o,
               double* lse, double* scratch);

// What attention() left in o and lse, the gradient of o, and where the gradients of q, k and v are added.
template <class T>
struct AttentionGradients {
  const T* o;
  const T* lse;
  const T* d_o;
  T* dq;
  T* dk;
  T* dv;
};
void attention_backward(const AttentionShape& shape, const float* q, const float* k, const float* v,
                        const AttentionGradients<float>& gradients, float* scratch);
void attention_backward(const AttentionShape& shape, const double* q, const double* k, const double* v,
                        const AttentionGradients<double>& gradients, double* scratch);

// The recurrent form: queries must be 1. Reads every key and value once, in their order; scratch is
// attention_scratch() too.
void attention_step(const AttentionShape& shape, const float* q, const float* k, const float* v, float* o,
                    float* scratch);
void attention_step(const AttentionShape& shape, const double* q, const double* k, const double* v, double* o,
                    double* scratch);

}  // namespace seqbench::kernels

// Causal attention in tiles, weighted by softmax or sigmoid: no L x L matrix is ever held (Vaswani et al.
// 2017, arXiv 1706.03762; Ramapuram et al. 2024, arXiv 2409.04431; the tiling is that of Dao et al. 2022,
// arXiv 2205.14135). Tiles of keys that no query of the tile sees, above the diagonal or outside a window,
// are skipped, and not counted as FLOPs.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>

#include "kernels/naive/attention.h"

namespace seqbench::kernels {

// Queries and keys of a tile: scores and their gradients take 32 KiB, the size of an L1 cache.
constexpr std::int64_t kQueryTile = 32;
constexpr std::int64_t kKeyTile = 128;
// Rows of scores and of transposed keys are read by whole vectors, of up to 16 numbers.
constexpr std::int64_t padded_keys(std::int64_t keys) { return (keys + 15) / 16 * 16; }
// A window begins anywhere, and its last vector then ends up to 15 numbers further.
inline std::int64_t transposed_row(const AttentionShape& s) {
  return padded_keys(s.keys) + (s.rule.window > 0 ? 16 : 0);
}

// Neighbouring keys of which some query of a tile sees some.
struct KeyRun {
  bool sinks;  // they are read as sinks
  std::int64_t begin;
  std::int64_t end;
};
// The sinks, then what the windows of `count` queries from `first` on cover. A sink inside a window is read
// as a sink: it is the same (AttentionShape::position).
inline std::array<KeyRun, 2> key_runs(const AttentionShape& s, std::int64_t first, std::int64_t count) {
  const std::int64_t end = s.row_of(first + count - 1) + 1;
  const std::int64_t sinks = std::min(s.rule.sinks, end);
  return {KeyRun{true, 0, sinks}, KeyRun{false, std::max(sinks, s.window_begin(first)), end}};
}

// Numbers of scratch that the f32 calls need.
std::int64_t attention_scratch(const AttentionShape& shape);

// o[batch, queries, width] and, for softmax only, lse[batch, heads, queries], laid out as AttentionShape
// says.
void attention(const AttentionShape& shape, const AttentionInputs<float>& in, float* o, float* lse,
               float* scratch);
void attention(const AttentionShape& shape, const AttentionInputs<double>& in, double* o, double* lse,
               double* scratch);

void attention_backward(const AttentionShape& shape, const AttentionInputs<float>& in,
                        const AttentionGradients<float>& gradients, float* scratch);
void attention_backward(const AttentionShape& shape, const AttentionInputs<double>& in,
                        const AttentionGradients<double>& gradients, double* scratch);

// The recurrent form: queries must be 1. Reads every key and value that is seen once, in their order, for all
// heads that share them.
void attention_step(const AttentionShape& shape, const AttentionInputs<float>& in, float* o, float* scratch);
void attention_step(const AttentionShape& shape, const AttentionInputs<double>& in, double* o,
                    double* scratch);

}  // namespace seqbench::kernels

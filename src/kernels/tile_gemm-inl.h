// Small matrix products inside other kernels: tiles of 16 to 128 rows that sit in the L1 cache, where a call
// of a library (1 to 2 us) would cost as much as the product. Included once per instruction set by Highway's
// foreach_target.
#if defined(SEQBENCH_KERNELS_TILE_GEMM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SEQBENCH_KERNELS_TILE_GEMM_INL_H_
#undef SEQBENCH_KERNELS_TILE_GEMM_INL_H_
#else
#define SEQBENCH_KERNELS_TILE_GEMM_INL_H_
#endif

#include "kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace seqbench {
namespace HWY_NAMESPACE {

// A is read one number at a time, so it may be transposed: element (i, l) stands at data[i * row + l *
// column].
struct TileA {
  const float* data;
  std::int64_t row;
  std::int64_t column;
};

// kRows rows and kVectors vectors of C in registers. The last vector has `mask` lanes when kMasked.
template <int kRows, int kVectors, bool kMasked, bool kAccumulate>
HWY_INLINE void tile(std::int64_t k, const TileA& a, const float* HWY_RESTRICT b, std::int64_t b_row,
                     float* HWY_RESTRICT c, std::int64_t c_row, FloatMask mask) {
  const FloatTag d;
  const auto load = [&](const float* from, int v) HWY_ATTR {
    return kMasked && v == kVectors - 1 ? hn::MaskedLoad(mask, d, from + v * lanes())
                                        : hn::LoadU(d, from + v * lanes());
  };
  FloatVec sum[kRows][kVectors];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) sum[r][v] = kAccumulate ? load(c + r * c_row, v) : hn::Zero(d);
  }
  const float* a_column = a.data;
  for (std::int64_t l = 0; l < k; ++l, a_column += a.column, b += b_row) {
    FloatVec row_of_b[kVectors];
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) row_of_b[v] = load(b, v);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const FloatVec one = hn::Set(d, a_column[r * a.row]);
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) sum[r][v] = hn::MulAdd(one, row_of_b[v], sum[r][v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      float* to = c + r * c_row + v * lanes();
      if (kMasked && v == kVectors - 1) {
        hn::BlendedStore(sum[r][v], mask, d, to);
      } else {
        hn::StoreU(sum[r][v], d, to);
      }
    }
  }
}

// All rows of one column block of kVectors vectors.
template <int kVectors, bool kMasked, bool kAccumulate>
HWY_INLINE void column_block(std::int64_t m, std::int64_t k, TileA a, const float* b, std::int64_t b_row,
                             float* c, std::int64_t c_row, FloatMask mask) {
  // 16 registers on AVX2 hold 4 x 2 sums, two rows of B and a broadcast; 32 on AVX-512 hold 8 x 2.
  constexpr int kRows = HWY_TARGET <= HWY_AVX3 ? 8 : 4;
  std::int64_t i = 0;
  for (; i + kRows <= m; i += kRows) {
    tile<kRows, kVectors, kMasked, kAccumulate>(k, {a.data + i * a.row, a.row, a.column}, b, b_row,
                                                c + i * c_row, c_row, mask);
  }
  for (; i < m; ++i) {
    tile<1, kVectors, kMasked, kAccumulate>(k, {a.data + i * a.row, a.row, a.column}, b, b_row, c + i * c_row,
                                            c_row, mask);
  }
}

template <bool kAccumulate>
HWY_INLINE void tile_gemm_as(std::int64_t m, std::int64_t n, std::int64_t k, const TileA& a, const float* b,
                             std::int64_t b_row, float* c, std::int64_t c_row) {
  const FloatTag d;
  const auto all = hn::FirstN(d, hn::Lanes(d));
  std::int64_t j = 0;
  for (; j + 2 * lanes() <= n; j += 2 * lanes()) {
    column_block<2, false, kAccumulate>(m, k, a, b + j, b_row, c + j, c_row, all);
  }
  for (; j + lanes() <= n; j += lanes()) {
    column_block<1, false, kAccumulate>(m, k, a, b + j, b_row, c + j, c_row, all);
  }
  if (j < n) {
    const auto mask = hn::FirstN(d, static_cast<std::size_t>(n - j));
    column_block<1, true, kAccumulate>(m, k, a, b + j, b_row, c + j, c_row, mask);
  }
}

// C[m, n] = A[m, k] B[k, n], added to C when kAccumulate. B and C are row-major with the row strides given.
template <bool kAccumulate>
HWY_NOINLINE void tile_gemm(std::int64_t m, std::int64_t n, std::int64_t k, const TileA& a, const float* b,
                            std::int64_t b_row, float* c, std::int64_t c_row) {
  tile_gemm_as<kAccumulate>(m, n, k, a, b, b_row, c, c_row);
}

// to[column, row] = from[row, column].
HWY_INLINE void transpose(std::int64_t rows, std::int64_t columns, const float* from, std::int64_t from_row,
                          float* to, std::int64_t to_row) {
  for (std::int64_t i0 = 0; i0 < rows; i0 += 16) {
    const std::int64_t i1 = i0 + 16 < rows ? i0 + 16 : rows;
    for (std::int64_t j = 0; j < columns; ++j) {
      for (std::int64_t i = i0; i < i1; ++i) to[j * to_row + i] = from[i * from_row + j];
    }
  }
}

HWY_INLINE float dot(std::int64_t n, const float* a, const float* b) {
  FloatVec sum = all(0);
  for_vectors(n, [&](std::int64_t i, auto part)
                     HWY_ATTR { sum = hn::MulAdd(part.load(a + i), part.load(b + i), sum); });
  return sum_lanes_of(sum);
}

// y += factor * x
HWY_INLINE void add_scaled(std::int64_t n, float factor, const float* x, float* y) {
  for_vectors(n, [&](std::int64_t i, auto part) HWY_ATTR {
    part.store(hn::MulAdd(all(factor), part.load(x + i), part.load(y + i)), y + i);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace seqbench
HWY_AFTER_NAMESPACE();

#endif

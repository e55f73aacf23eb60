#pragma once
#include <cstdint>

namespace seqbench {

// y[rows, blocks * out] of x[rows, blocks * in] and w[blocks, in, out].
struct BlockShape {
  std::int64_t rows = 0;
  std::int64_t blocks = 0;
  std::int64_t in = 0;
  std::int64_t out = 0;
};

namespace naive {

template <class T>
void block_diagonal(const BlockShape& s, const T* x, const T* w, T* y) {
  for (std::int64_t r = 0; r < s.rows; ++r) {
    for (std::int64_t g = 0; g < s.blocks; ++g) {
      for (std::int64_t j = 0; j < s.out; ++j) {
        double sum = 0;
        for (std::int64_t i = 0; i < s.in; ++i) {
          sum += static_cast<double>(x[(r * s.blocks + g) * s.in + i]) *
                 static_cast<double>(w[(g * s.in + i) * s.out + j]);
        }
        y[(r * s.blocks + g) * s.out + j] = static_cast<T>(sum);
      }
    }
  }
}

// Adds to dx and dw.
template <class T>
void block_diagonal_backward(const BlockShape& s, const T* x, const T* w, const T* dy, T* dx, T* dw) {
  for (std::int64_t r = 0; r < s.rows; ++r) {
    for (std::int64_t g = 0; g < s.blocks; ++g) {
      for (std::int64_t i = 0; i < s.in; ++i) {
        const std::int64_t at = (r * s.blocks + g) * s.in + i;
        for (std::int64_t j = 0; j < s.out; ++j) {
          const T d = dy[(r * s.blocks + g) * s.out + j];
          dx[at] += d * w[(g * s.in + i) * s.out + j];
          dw[(g * s.in + i) * s.out + j] += d * x[at];
        }
      }
    }
  }
}

}  // namespace naive
}  // namespace seqbench

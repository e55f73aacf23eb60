#pragma once
#include <cstdint>

namespace seqbench {

struct Matmul {
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  bool transpose_a = false;
  bool transpose_b = false;
  bool accumulate = false;
  bool operator==(const Matmul&) const = default;
};

namespace naive {

template <class T>
void matmul(const Matmul& shape, const T* a, const T* b, T* c) {
  const auto [m, n, k, transpose_a, transpose_b, accumulate] = shape;
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      double sum = 0;
      for (std::int64_t l = 0; l < k; ++l) {
        sum += static_cast<double>(transpose_a ? a[l * m + i] : a[i * k + l]) *
               static_cast<double>(transpose_b ? b[j * k + l] : b[l * n + j]);
      }
      c[i * n + j] = static_cast<T>(sum + (accumulate ? static_cast<double>(c[i * n + j]) : 0.0));
    }
  }
}

}  // namespace naive
}  // namespace seqbench

#pragma once
#include <cmath>
#include <cstdint>

namespace seqbench {

// Features of x of `dim` numbers: 1, x and the products of all pairs.
constexpr std::int64_t taylor_size(std::int64_t dim) { return 1 + dim + dim * dim; }
// What x is multiplied by in the features: 1 / dim^(1/4), and 1 / sqrt(2 dim) for the products.
inline double taylor_first(std::int64_t dim) { return 1 / std::sqrt(std::sqrt(static_cast<double>(dim))); }
inline double taylor_second(std::int64_t dim) { return 1 / std::sqrt(2 * static_cast<double>(dim)); }

namespace naive {

// y[rows, taylor_size(dim)] of x[rows, dim]: y = [1, x / dim^(1/4), vec(x x^T) / sqrt(2 dim)].
template <class T>
void taylor(std::int64_t rows, std::int64_t dim, const T* x, T* y) {
  for (std::int64_t r = 0; r < rows; ++r, x += dim, y += taylor_size(dim)) {
    y[0] = T(1);
    for (std::int64_t i = 0; i < dim; ++i) {
      const double scaled = static_cast<double>(x[i]) * taylor_second(dim);
      y[1 + i] = static_cast<T>(static_cast<double>(x[i]) * taylor_first(dim));
      for (std::int64_t j = 0; j < dim; ++j)
        y[1 + dim + i * dim + j] = static_cast<T>(scaled * static_cast<double>(x[j]));
    }
  }
}

// Adds to dx.
template <class T>
void taylor_backward(std::int64_t rows, std::int64_t dim, const T* x, const T* dy, T* dx) {
  for (std::int64_t r = 0; r < rows; ++r, x += dim, dy += taylor_size(dim), dx += dim) {
    const T* products = dy + 1 + dim;
    for (std::int64_t i = 0; i < dim; ++i) {
      double sum = 0;
      for (std::int64_t j = 0; j < dim; ++j)
        sum += static_cast<double>(x[j]) * static_cast<double>(products[i * dim + j] + products[j * dim + i]);
      dx[i] += static_cast<T>(static_cast<double>(dy[1 + i]) * taylor_first(dim) + sum * taylor_second(dim));
    }
  }
}

}  // namespace naive
}  // namespace seqbench

#pragma once
#include <cstdint>

namespace seqbench::naive {

template <class T>
void add(std::int64_t count, const T* a, const T* b, T* y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = a[i] + b[i];
}

template <class T>
void multiply(std::int64_t count, const T* a, const T* b, T* y, bool accumulate) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = a[i] * b[i] + (accumulate ? y[i] : T(0));
}

template <class T>
void add_to(std::int64_t count, const T* x, T* y, bool accumulate) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = accumulate ? y[i] + x[i] : x[i];
}

template <class T>
void add_bias(std::int64_t rows, std::int64_t width, const T* x, const T* bias, T* y) {
  for (std::int64_t i = 0; i < rows * width; ++i) y[i] = x[i] + bias[i % width];
}

template <class T>
void column_sum(std::int64_t rows, std::int64_t width, const T* x, T* sum, bool accumulate) {
  for (std::int64_t c = 0; c < width; ++c) {
    double total = accumulate ? static_cast<double>(sum[c]) : 0.0;
    for (std::int64_t r = 0; r < rows; ++r) total += static_cast<double>(x[r * width + c]);
    sum[c] = static_cast<T>(total);
  }
}

template <class T>
void sum_lanes(std::int64_t count, std::int64_t lanes, const T* const* parts, T scale, T* out) {
  for (std::int64_t i = 0; i < count; ++i) {
    T sum = parts[0][i];
    for (std::int64_t l = 1; l < lanes; ++l) sum += parts[l][i];
    out[i] = sum * scale;
  }
}

template <class T>
double squared_sum(std::int64_t count, const T* x) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return sum;
}

}  // namespace seqbench::naive

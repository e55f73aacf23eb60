#pragma once
#include <cmath>
#include <cstdint>

namespace seqbench::naive {

constexpr double kGeluScale = 0.7978845608028654;  // sqrt(2 / pi)
constexpr double kGeluCube = 0.044715;

inline double gelu(double x) { return 0.5 * x * (1 + std::tanh(kGeluScale * (x + kGeluCube * x * x * x))); }
inline double gelu_slope(double x) {
  const double t = std::tanh(kGeluScale * (x + kGeluCube * x * x * x));
  return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * kGeluScale * (1 + 3 * kGeluCube * x * x);
}

template <class T>
void bias_gelu(std::int64_t rows, std::int64_t width, const T* x, const T* bias, T* y) {
  for (std::int64_t i = 0; i < rows * width; ++i) {
    y[i] = static_cast<T>(gelu(static_cast<double>(x[i]) + static_cast<double>(bias[i % width])));
  }
}

template <class T>
void bias_gelu_backward(std::int64_t rows, std::int64_t width, const T* x, const T* bias, const T* dy, T* dx,
                        bool accumulate_dx, T* dbias, bool accumulate_dbias) {
  if (!accumulate_dbias) {
    for (std::int64_t c = 0; c < width; ++c) dbias[c] = T(0);
  }
  for (std::int64_t i = 0; i < rows * width; ++i) {
    const double slope = gelu_slope(static_cast<double>(x[i]) + static_cast<double>(bias[i % width]));
    const double d = static_cast<double>(dy[i]) * slope;
    dx[i] = static_cast<T>(d + (accumulate_dx ? static_cast<double>(dx[i]) : 0.0));
    dbias[i % width] += static_cast<T>(d);
  }
}

template <class T>
void elu_plus_one(std::int64_t count, const T* x, T* y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = x[i] > T(0) ? x[i] + T(1) : std::exp(x[i]);
}

template <class T>
void elu_plus_one_backward(std::int64_t count, const T* x, const T* dy, T* dx, bool accumulate) {
  for (std::int64_t i = 0; i < count; ++i) {
    const T d = dy[i] * (x[i] > T(0) ? T(1) : std::exp(x[i]));
    dx[i] = accumulate ? dx[i] + d : d;
  }
}

}  // namespace seqbench::naive

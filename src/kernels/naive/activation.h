#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace seqbench {

// elu(x) + 1 is x + 1 for x > 0, exp(x) otherwise (Katharopoulos et al. 2020, arXiv 2006.16236); silu(x) = x
// sigmoid(x); gelu(x) = x Phi(x), with the standard normal distribution Phi by erf: the exact one (Hendrycks
// & Gimpel 2016, arXiv 1606.08415). bias_gelu has its tanh form, which is up to 5e-4 off.
enum class Activation { elu_plus_one, relu, sigmoid, silu, gelu, tanh };

}  // namespace seqbench

namespace seqbench::naive {

constexpr double kGeluScale = 0.7978845608028654;  // sqrt(2 / pi)
constexpr double kGeluCube = 0.044715;

inline double tanh_gelu(double x) {
  return 0.5 * x * (1 + std::tanh(kGeluScale * (x + kGeluCube * x * x * x)));
}
inline double tanh_gelu_slope(double x) {
  const double t = std::tanh(kGeluScale * (x + kGeluCube * x * x * x));
  return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * kGeluScale * (1 + 3 * kGeluCube * x * x);
}

template <class T>
void bias_gelu(std::int64_t rows, std::int64_t width, const T* x, const T* bias, T* y) {
  for (std::int64_t i = 0; i < rows * width; ++i) {
    y[i] = static_cast<T>(tanh_gelu(static_cast<double>(x[i]) + static_cast<double>(bias[i % width])));
  }
}

template <class T>
void bias_gelu_backward(std::int64_t rows, std::int64_t width, const T* x, const T* bias, const T* dy, T* dx,
                        bool accumulate_dx, T* dbias, bool accumulate_dbias) {
  if (!accumulate_dbias) {
    for (std::int64_t c = 0; c < width; ++c) dbias[c] = T(0);
  }
  for (std::int64_t i = 0; i < rows * width; ++i) {
    const double slope = tanh_gelu_slope(static_cast<double>(x[i]) + static_cast<double>(bias[i % width]));
    const double d = static_cast<double>(dy[i]) * slope;
    dx[i] = static_cast<T>(d + (accumulate_dx ? static_cast<double>(dx[i]) : 0.0));
    dbias[i % width] += static_cast<T>(d);
  }
}

constexpr double kBellHeight = 0.3989422804014327;  // 1 / sqrt(2 pi)

inline double normal_below(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }
inline double gelu(double x) { return x * normal_below(x); }
inline double gelu_slope(double x) { return normal_below(x) + x * kBellHeight * std::exp(-0.5 * x * x); }

inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
inline double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

inline double value_of(Activation f, double x) {
  switch (f) {
    case Activation::elu_plus_one:
      return x > 0 ? x + 1 : std::exp(x);
    case Activation::relu:
      return x < 0 ? 0 : x;  // a NaN stays one
    case Activation::sigmoid:
      return sigmoid(x);
    case Activation::silu:
      return x * sigmoid(x);
    case Activation::gelu:
      return gelu(x);
    case Activation::tanh:
      return std::tanh(x);
  }
  return x;
}

inline double slope_of(Activation f, double x) {
  const double s = sigmoid(x);
  switch (f) {
    case Activation::elu_plus_one:
      return x > 0 ? 1 : std::exp(x);
    case Activation::relu:
      return x > 0 ? 1 : x <= 0 ? 0 : x;
    case Activation::sigmoid:
      return s * (1 - s);
    case Activation::silu:
      return s * (1 + x * (1 - s));
    case Activation::gelu:
      return gelu_slope(x);
    case Activation::tanh:
      return 1 - std::tanh(x) * std::tanh(x);
  }
  return 1;
}

template <class T>
void activate(Activation f, std::int64_t count, const T* x, T* y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = static_cast<T>(value_of(f, static_cast<double>(x[i])));
}

template <class T>
void activate_backward(Activation f, std::int64_t count, const T* x, const T* dy, T* dx, bool accumulate) {
  for (std::int64_t i = 0; i < count; ++i) {
    const T d = dy[i] * static_cast<T>(slope_of(f, static_cast<double>(x[i])));
    dx[i] = accumulate ? dx[i] + d : d;
  }
}

}  // namespace seqbench::naive

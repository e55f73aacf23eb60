#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

namespace seqbench {

// x: [batch, length, heads * head_dim], head_dim even. Token t is at position min(first + t, last).
struct RotaryShape {
  std::int64_t batch = 0;
  std::int64_t length = 0;
  std::int64_t heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t first = 0;
  std::int64_t last = 0;

  std::int64_t position(std::int64_t t) const { return std::min(first + t, last); }
};

// Radians that the pair m of columns turns by per position: 10000^(-2 m / head_dim).
inline double rotary_angle(std::int64_t m, std::int64_t head_dim) {
  return std::pow(10000.0, -2.0 * static_cast<double>(m) / static_cast<double>(head_dim));
}

namespace naive {

// y = x with the columns m and m + head_dim / 2 of every head turned by `direction` (1, or -1 for back) times
// their angle at the token's position.
template <class T>
void rotary(const RotaryShape& s, double direction, const T* x, T* y) {
  const std::int64_t half = s.head_dim / 2;
  for (std::int64_t row = 0; row < s.batch * s.length * s.heads; ++row, x += s.head_dim, y += s.head_dim) {
    const auto position = static_cast<double>(s.position(row / s.heads % s.length));
    for (std::int64_t m = 0; m < half; ++m) {
      const double angle = direction * position * rotary_angle(m, s.head_dim);
      const auto a = static_cast<double>(x[m]);
      const auto b = static_cast<double>(x[m + half]);
      y[m] = static_cast<T>(a * std::cos(angle) - b * std::sin(angle));
      y[m + half] = static_cast<T>(a * std::sin(angle) + b * std::cos(angle));
    }
  }
}

}  // namespace naive
}  // namespace seqbench

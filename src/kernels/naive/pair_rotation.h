#pragma once
#include <cstdint>

namespace seqbench {

// x: [batch, length, heads, dim], dim even. angles: [length, dim], the cosine and the sine of each pair's
// angle.
struct PairRotationShape {
  std::int64_t batch = 0;
  std::int64_t length = 0;
  std::int64_t heads = 0;
  std::int64_t dim = 0;
  double scale = 1;
};

namespace naive {

// y (+)= scale [x_0 c - x_1 s, x_1 c + x_0 s] for every pair (x_0, x_1) and its (c, s); `direction` -1 turns
// back.
template <class T>
void turn_pairs(const PairRotationShape& shape, double direction, const T* x, const T* angles,
                bool accumulate, T* y) {
  for (std::int64_t row = 0; row < shape.batch * shape.length * shape.heads; ++row) {
    const T* angle = angles + row / shape.heads % shape.length * shape.dim;
    for (std::int64_t i = 0; i < shape.dim; i += 2) {
      const std::int64_t at = row * shape.dim + i;
      const double cosine = shape.scale * static_cast<double>(angle[i]);
      const double sine = shape.scale * direction * static_cast<double>(angle[i + 1]);
      const double x0 = static_cast<double>(x[at]);
      const double x1 = static_cast<double>(x[at + 1]);
      y[at] = static_cast<T>(x0 * cosine - x1 * sine + (accumulate ? static_cast<double>(y[at]) : 0.0));
      y[at + 1] =
          static_cast<T>(x1 * cosine + x0 * sine + (accumulate ? static_cast<double>(y[at + 1]) : 0.0));
    }
  }
}

template <class T>
void rotate_pairs(const PairRotationShape& shape, const T* x, const T* angles, T* y) {
  turn_pairs(shape, 1, x, angles, false, y);
}

// Adds to dx: the transpose of a rotation turns back.
template <class T>
void rotate_pairs_backward(const PairRotationShape& shape, const T* dy, const T* angles, T* dx) {
  turn_pairs(shape, -1, dy, angles, true, dx);
}

}  // namespace naive
}  // namespace seqbench

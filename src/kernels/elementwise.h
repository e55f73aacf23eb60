// Sums of numbers and rows.
#pragma once
#include "kernels/naive/elementwise.h"

namespace seqbench::kernels {

// y = a + b
void add(std::int64_t count, const float* a, const float* b, float* y);
inline void add(std::int64_t count, const double* a, const double* b, double* y) {
  naive::add(count, a, b, y);
}

// y = a b, number by number; added to y when accumulating.
void multiply(std::int64_t count, const float* a, const float* b, float* y, bool accumulate);
inline void multiply(std::int64_t count, const double* a, const double* b, double* y, bool accumulate) {
  naive::multiply(count, a, b, y, accumulate);
}

// y += x, or y = x when not accumulating.
void add_to(std::int64_t count, const float* x, float* y, bool accumulate);
inline void add_to(std::int64_t count, const double* x, double* y, bool accumulate) {
  naive::add_to(count, x, y, accumulate);
}

// y[rows, width] = x + bias[width]
void add_bias(std::int64_t rows, std::int64_t width, const float* x, const float* bias, float* y);
inline void add_bias(std::int64_t rows, std::int64_t width, const double* x, const double* bias, double* y) {
  naive::add_bias(rows, width, x, bias, y);
}

// sum[width] = the sum of the rows of x[rows, width] in their order, added to what is there when
// accumulating.
void column_sum(std::int64_t rows, std::int64_t width, const float* x, float* sum, bool accumulate);
inline void column_sum(std::int64_t rows, std::int64_t width, const double* x, double* sum, bool accumulate) {
  naive::column_sum(rows, width, x, sum, accumulate);
}

// out = scale * (parts[0] + parts[1] + ...), in that order: a step's gradient does not depend on who was
// ready first.
void sum_lanes(std::int64_t count, std::int64_t lanes, const float* const* parts, float scale, float* out);

// The sum of squares, in f64.
double squared_sum(std::int64_t count, const float* x);

}  // namespace seqbench::kernels

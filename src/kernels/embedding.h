// Rows of a table by index. Rows are copied and added whole, by kernels/elementwise.h.
#pragma once
#include <cstdint>

#include "kernels/elementwise.h"

namespace seqbench::kernels {

// y[i] = x[rows[i]], i in [0, count); x and y have rows of `width`.
template <class T>
void gather_rows(std::int64_t count, std::int64_t width, const std::int32_t* rows, const T* x, T* y) {
  for (std::int64_t i = 0; i < count; ++i) add_to(width, x + rows[i] * width, y + i * width, false);
}

// x[rows[i]] += y[i], in the order of i: a row named twice gets both.
template <class T>
void scatter_rows(std::int64_t count, std::int64_t width, const std::int32_t* rows, const T* y, T* x) {
  for (std::int64_t i = 0; i < count; ++i) add_to(width, y + i * width, x + rows[i] * width, true);
}

}  // namespace seqbench::kernels

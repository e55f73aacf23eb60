#include "autograd/layout_ops.h"

#include <algorithm>

#include "autograd/sinks.h"

namespace seqbench {
namespace {

template <class T>
void copy(std::int64_t rows, std::int64_t count, const T* from, std::int64_t from_stride, T* to,
          std::int64_t to_stride) {
  for (std::int64_t r = 0; r < rows; ++r) std::copy_n(from + r * from_stride, count, to + r * to_stride);
}

template <class T>
void add(std::int64_t rows, std::int64_t count, const T* from, std::int64_t from_stride, T* to,
         std::int64_t to_stride) {
  for (std::int64_t r = 0; r < rows; ++r)
    kernels::add_to(count, from + r * from_stride, to + r * to_stride, true);
}

// y = `count` numbers from `offset` on of every row of `stride` numbers of x.
Tensor slice(Tape& tape, const Tensor& x, std::int64_t stride, std::int64_t offset, std::int64_t count,
             const Shape& shape) {
  const std::int64_t rows = x.shape.size() / stride;
  const Tensor y = tape.make(shape);
  visit(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    copy(rows, count, x.as<T>() + offset, stride, y.as<T>(), count);
    tape.record(y, [=, &tape] {
      add(rows, count, tape.gradient<T>(y), count, added_to<T>(tape, x) + offset, stride);
    });
  });
  return y;
}

// Row by row, the rows of all parts one after the other.
Tensor concat(Tape& tape, const std::vector<Tensor>& parts, std::int64_t rows, const Shape& shape) {
  const std::int64_t stride = shape.size() / rows;
  const Tensor y = tape.make(shape);
  visit(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::int64_t offset = 0;
    for (const Tensor& part : parts) {
      const std::int64_t count = part.shape.size() / rows;
      copy(rows, count, part.as<T>(), count, y.as<T>() + offset, stride);
      offset += count;
    }
    tape.record(y, [=, &tape] {
      std::int64_t from = 0;
      for (const Tensor& part : parts) {
        const std::int64_t count = part.shape.size() / rows;
        add(rows, count, tape.gradient<T>(y) + from, stride, added_to<T>(tape, part), count);
        from += count;
      }
    });
  });
  return y;
}

}  // namespace

Tensor reshape(const Tensor& x, const Shape& shape) {
  assert(x.shape.size() == shape.size());
  Tensor y = x;
  y.shape = shape;
  return y;
}

Tensor slice_tokens(Tape& tape, const Tensor& x, std::int64_t first, std::int64_t count) {
  const std::int64_t width = x.shape[2];
  return slice(tape, x, x.shape[1] * width, first * width, count * width, {x.shape[0], count, width});
}

Tensor concat_tokens(Tape& tape, const std::vector<Tensor>& parts) {
  std::int64_t tokens = 0;
  for (const Tensor& part : parts) tokens += part.shape[1];
  const Shape& first = parts.front().shape;
  return concat(tape, parts, first[0], {first[0], tokens, first[2]});
}

Tensor slice_columns(Tape& tape, const Tensor& x, std::int64_t first, std::int64_t count) {
  return slice(tape, x, x.shape[-1], first, count, x.shape.with_width(count));
}

Tensor concat_columns(Tape& tape, const std::vector<Tensor>& parts) {
  std::int64_t width = 0;
  for (const Tensor& part : parts) width += part.shape[-1];
  const Shape& first = parts.front().shape;
  return concat(tape, parts, first.rows(), first.with_width(width));
}

}  // namespace seqbench

#include "autograd/ops.h"

#include <algorithm>

#include "autograd/sinks.h"
#include "kernels/activation.h"
#include "kernels/cross_entropy.h"
#include "kernels/elementwise.h"
#include "kernels/embedding.h"
#include "kernels/matmul.h"
#include "kernels/norm.h"

namespace seqbench {
namespace {

constexpr double kNormEps = 1e-5;
// Rows of logits held at a time: 4 MiB at a vocabulary of 8192.
constexpr std::int64_t kScoreRows = 128;

Shape with_width(const Shape& shape, std::int64_t width) {
  switch (shape.rank()) {
    case 1:
      return {width};
    case 2:
      return {shape[0], width};
    case 3:
      return {shape[0], shape[1], width};
    default:
      return {shape[0], shape[1], shape[2], width};
  }
}

}  // namespace

Tensor matmul(Tape& tape, const Tensor& x, const Tensor& w) {
  const std::int64_t rows = x.shape.rows();
  const std::int64_t n = w.shape[0];
  const std::int64_t m = w.shape[1];
  const Tensor y = tape.make(with_width(x.shape, m));
  visit(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    kernels::matmul({.m = rows, .n = m, .k = n}, x.as<T>(), w.as<T>(), y.as<T>());
    tape.record(y, [=, &tape] {
      const T* dy = tape.gradient<T>(y);
      const Sink<T> dx = tape.sink<T>(x);
      kernels::matmul({.m = rows, .n = n, .k = m, .transpose_b = true, .accumulate = dx.accumulate}, dy,
                      w.as<T>(), dx.data);
      const Sink<T> dw = tape.sink<T>(w);
      kernels::matmul({.m = n, .n = m, .k = rows, .transpose_a = true, .accumulate = dw.accumulate},
                      x.as<T>(), dy, dw.data);
    });
  });
  return y;
}

Tensor add_bias(Tape& tape, const Tensor& x, const Tensor& bias) {
  const std::int64_t rows = x.shape.rows();
  const std::int64_t width = x.shape[-1];
  const Tensor y = tape.make(x.shape);
  visit(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    kernels::add_bias(rows, width, x.as<T>(), bias.as<T>(), y.as<T>());
    tape.record(y, [=, &tape] {
      const T* dy = tape.gradient<T>(y);
      const Sink<T> dx = tape.sink<T>(x);
      kernels::add_to(x.shape.size(), dy, dx.data, dx.accumulate);
      const Sink<T> d_bias = tape.sink<T>(bias);
      kernels::column_sum(rows, width, dy, d_bias.data, d_bias.accumulate);
    });
  });
  return y;
}

Tensor add(Tape& tape, const Tensor& a, const Tensor& b) {
  const Tensor y = tape.make(a.shape);
  visit(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    kernels::add(a.shape.size(), a.as<T>(), b.as<T>(), y.as<T>());
    tape.record(y, [=, &tape] {
      for (const Tensor& input : {a, b}) {
        const Sink<T> sink = tape.sink<T>(input);
        kernels::add_to(y.shape.size(), tape.gradient<T>(y), sink.data, sink.accumulate);
      }
    });
  });
  return y;
}

Tensor bias_gelu(Tape& tape, const Tensor& x, const Tensor& bias) {
  const std::int64_t rows = x.shape.rows();
  const std::int64_t width = x.shape[-1];
  const Tensor y = tape.make(x.shape);
  visit(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    kernels::bias_gelu(rows, width, x.as<T>(), bias.as<T>(), y.as<T>());
    tape.record(y, [=, &tape] {
      const Sink<T> dx = tape.sink<T>(x);
      const Sink<T> d_bias = tape.sink<T>(bias);
      kernels::bias_gelu_backward(rows, width, x.as<T>(), bias.as<T>(), tape.gradient<T>(y), dx.data,
                                  dx.accumulate, d_bias.data, d_bias.accumulate);
    });
  });
  return y;
}

Tensor elu_plus_one(Tape& tape, const Tensor& x) {
  const Tensor y = tape.make(x.shape);
  visit(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    kernels::elu_plus_one(x.shape.size(), x.as<T>(), y.as<T>());
    tape.record(y, [=, &tape] {
      const Sink<T> dx = tape.sink<T>(x);
      kernels::elu_plus_one_backward(x.shape.size(), x.as<T>(), tape.gradient<T>(y), dx.data, dx.accumulate);
    });
  });
  return y;
}

Tensor layer_norm(Tape& tape, const Tensor& x, const Tensor& gain, const Tensor& bias) {
  const std::int64_t rows = x.shape.rows();
  const std::int64_t width = x.shape[-1];
  const Tensor y = tape.make(x.shape);
  visit(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* mean = tape.scratch<T>(rows);
    T* rstd = tape.scratch<T>(rows);
    kernels::layer_norm(rows, width, x.as<T>(), gain.as<T>(), bias.as<T>(), y.as<T>(), mean, rstd,
                        static_cast<T>(kNormEps));
    tape.record(y, [=, &tape] {
      const Sink<T> dx = tape.sink<T>(x);
      T* d_gain = added_to<T>(tape, gain);
      T* d_bias = added_to<T>(tape, bias);
      kernels::layer_norm_backward(rows, width, x.as<T>(), gain.as<T>(), mean, rstd, tape.gradient<T>(y),
                                   dx.data, dx.accumulate, d_gain, d_bias);
    });
  });
  return y;
}

Tensor embed(Tape& tape, std::span<const std::int32_t> tokens, std::int64_t batch, const Tensor& table,
             const Tensor* positions, std::int64_t first_position) {
  const std::int64_t count = static_cast<std::int64_t>(tokens.size());
  const std::int64_t length = count / batch;
  const std::int64_t width = table.shape[1];
  const Tensor y = tape.make({batch, length, width});
  const Tensor position_table = positions == nullptr ? Tensor{} : *positions;
  visit(table.dtype, [&](auto zero) {
    using T = decltype(zero);
    kernels::gather_rows(count, width, tokens.data(), table.as<T>(), y.as<T>());
    if (positions != nullptr) {
      const T* rows = positions->as<T>() + first_position * width;
      for (std::int64_t b = 0; b < batch; ++b) {
        kernels::add_to(length * width, rows, y.as<T>() + b * length * width, true);
      }
    }
    tape.record(y, [=, &tape] {
      const T* dy = tape.gradient<T>(y);
      kernels::scatter_rows(count, width, tokens.data(), dy, added_to<T>(tape, table));
      if (position_table.data == nullptr) return;
      T* d_positions = added_to<T>(tape, position_table) + first_position * width;
      for (std::int64_t b = 0; b < batch; ++b) {
        kernels::add_to(length * width, dy + b * length * width, d_positions, true);
      }
    });
  });
  return y;
}

Tensor select_rows(Tape& tape, const Tensor& x, std::span<const std::int32_t> rows) {
  const std::int64_t width = x.shape[-1];
  const std::int64_t count = static_cast<std::int64_t>(rows.size());
  const Tensor y = tape.make({count, width});
  visit(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    kernels::gather_rows(count, width, rows.data(), x.as<T>(), y.as<T>());
    tape.record(y, [=, &tape] {
      kernels::scatter_rows(count, width, rows.data(), tape.gradient<T>(y), added_to<T>(tape, x));
    });
  });
  return y;
}

Tensor logits(Tape& tape, const Tensor& x, const Tensor& table) {
  const std::int64_t rows = x.shape.rows();
  const Tensor y = tape.make({rows, table.shape[0]});
  visit(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    kernels::matmul({.m = rows, .n = table.shape[0], .k = table.shape[1], .transpose_b = true}, x.as<T>(),
                    table.as<T>(), y.as<T>());
  });
  return y;
}

void score(Tape& tape, const Tensor& x, const Tensor& table, std::span<const std::int32_t> labels,
           Scores& scores) {
  const std::int64_t rows = x.shape.rows();
  const std::int64_t width = table.shape[1];
  const std::int64_t vocab = table.shape[0];
  scores.loss.resize(static_cast<std::size_t>(rows));
  scores.best.resize(static_cast<std::size_t>(rows));
  visit(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t tile_size = std::min(rows, kScoreRows) * vocab;
    T* tile = tape.scratch<T>(tile_size);
    for (std::int64_t first = 0; first < rows; first += kScoreRows) {
      const std::int64_t count = std::min(kScoreRows, rows - first);
      const T* part = x.as<T>() + first * width;
      kernels::matmul({.m = count, .n = vocab, .k = width, .transpose_b = true}, part, table.as<T>(), tile);
      kernels::cross_entropy(count, vocab, tile, labels.data() + first, scores.loss.data() + first,
                             scores.best.data() + first, tape.recording());
      if (!tape.recording()) continue;
      const Sink<T> dx = tape.sink<T>(x);
      kernels::matmul({.m = count, .n = width, .k = vocab}, tile, table.as<T>(), dx.data + first * width);
      const Sink<T> d_table = tape.sink<T>(table);
      kernels::matmul(
          {.m = vocab, .n = width, .k = count, .transpose_a = true, .accumulate = d_table.accumulate}, tile,
          part, d_table.data);
    }
    tape.release(tile, tile_size);
  });
}

}  // namespace seqbench

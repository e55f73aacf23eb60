#include "autograd/ops.h"

#include "autograd/sinks.h"
#include "kernels/activation.h"
#include "kernels/block_diagonal.h"
#include "kernels/elementwise.h"
#include "kernels/matmul.h"
#include "kernels/norm.h"

namespace seqbench {
namespace {

constexpr double kNormEps = 1e-5;

}  // namespace

Tensor matmul(Tape& tape, const Tensor& x, const Tensor& w) {
  const std::int64_t rows = x.shape.rows();
  const std::int64_t n = w.shape[0];
  const std::int64_t m = w.shape[1];
  const Tensor y = tape.make(x.shape.with_width(m));
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

Tensor activate(Tape& tape, const Tensor& x, Activation f) {
  const Tensor y = tape.make(x.shape);
  visit(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    kernels::activate(f, x.shape.size(), x.as<T>(), y.as<T>());
    tape.record(y, [=, &tape] {
      const Sink<T> dx = tape.sink<T>(x);
      kernels::activate_backward(f, x.shape.size(), x.as<T>(), tape.gradient<T>(y), dx.data, dx.accumulate);
    });
  });
  return y;
}

Tensor multiply(Tape& tape, const Tensor& a, const Tensor& b) {
  const Tensor y = tape.make(a.shape);
  const std::int64_t count = a.shape.size();
  visit(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    kernels::multiply(count, a.as<T>(), b.as<T>(), y.as<T>(), false);
    tape.record(y, [=, &tape] {
      const Sink<T> da = tape.sink<T>(a);
      kernels::multiply(count, tape.gradient<T>(y), b.as<T>(), da.data, da.accumulate);
      const Sink<T> db = tape.sink<T>(b);
      kernels::multiply(count, tape.gradient<T>(y), a.as<T>(), db.data, db.accumulate);
    });
  });
  return y;
}

Tensor multiply_columns(Tape& tape, const Tensor& x, const Tensor& gain) {
  const std::int64_t rows = x.shape.rows();
  const std::int64_t width = x.shape[-1];
  const Tensor y = tape.make(x.shape);
  visit(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t r = 0; r < rows; ++r) {
      kernels::multiply(width, x.as<T>() + r * width, gain.as<T>(), y.as<T>() + r * width, false);
    }
    tape.record(y, [=, &tape] {
      const T* dy = tape.gradient<T>(y);
      const Sink<T> dx = tape.sink<T>(x);
      T* d_gain = added_to<T>(tape, gain);
      for (std::int64_t at = 0; at < rows * width; at += width) {
        kernels::multiply(width, dy + at, gain.as<T>(), dx.data + at, dx.accumulate);
        kernels::multiply(width, dy + at, x.as<T>() + at, d_gain, true);
      }
    });
  });
  return y;
}

Tensor block_diagonal(Tape& tape, const Tensor& x, const Tensor& w) {
  const BlockShape shape{x.shape.rows(), w.shape[0], w.shape[1], w.shape[2]};
  const Tensor y = tape.make(x.shape.with_width(shape.blocks * shape.out));
  visit(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    kernels::block_diagonal(shape, x.as<T>(), w.as<T>(), y.as<T>());
    tape.record(y, [=, &tape] {
      T* dx = added_to<T>(tape, x);
      T* dw = added_to<T>(tape, w);
      kernels::block_diagonal_backward(shape, x.as<T>(), w.as<T>(), tape.gradient<T>(y), dx, dw);
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

Tensor unit_norm(Tape& tape, const Tensor& x, bool centred, double eps) {
  const std::int64_t rows = x.shape.rows();
  const std::int64_t width = x.shape[-1];
  const Tensor y = tape.make(x.shape);
  visit(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* rstd = tape.scratch<T>(rows);
    kernels::unit_norm(rows, width, centred, x.as<T>(), y.as<T>(), rstd, static_cast<T>(eps));
    tape.record(y, [=, &tape] {
      const Sink<T> dx = tape.sink<T>(x);
      kernels::unit_norm_backward(rows, width, centred, y.as<T>(), rstd, tape.gradient<T>(y), dx.data,
                                  dx.accumulate);
    });
  });
  return y;
}

}  // namespace seqbench

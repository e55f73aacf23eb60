#include "autograd/conv_ops.h"

#include <algorithm>

#include "autograd/layout_ops.h"
#include "kernels/conv.h"

namespace seqbench {
namespace {

ConvShape conv_shape(const Tensor& x, const Tensor& weight) {
  return {x.shape[0], x.shape[1], x.shape[2], weight.shape[0]};
}

Tensor convolve(Tape& tape, const Tensor& x, const Tensor& weight) {
  const ConvShape shape = conv_shape(x, weight);
  const Tensor y = tape.make(x.shape);
  visit(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    kernels::conv(shape, x.as<T>(), weight.as<T>(), static_cast<const T*>(nullptr), y.as<T>());
    tape.record(y, [=, &tape] {
      T* dx = added_to<T>(tape, x);
      T* dw = added_to<T>(tape, weight);
      kernels::conv_backward(shape, x.as<T>(), weight.as<T>(), tape.gradient<T>(y), dx, dw);
    });
  });
  return y;
}

Tensor convolve_in_place(Tape& tape, const Tensor& x, const Tensor& weight, const Tensor& inputs) {
  const ConvShape shape = conv_shape(x, weight);
  const Tensor y = tape.make(x.shape);
  visit(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    kernels::conv(shape, x.as<T>(), weight.as<T>(), inputs.as<T>(), y.as<T>());
    const std::int64_t kept = (shape.taps - 1) * shape.width;
    const std::int64_t read = shape.length * shape.width;
    for (std::int64_t b = 0; b < shape.batch; ++b) {
      T* history = inputs.as<T>() + b * kept;
      const T* in = x.as<T>() + b * read;
      if (read < kept) std::copy(history + read, history + kept, history);
      const std::int64_t taken = std::min(read, kept);
      std::copy(in + read - taken, in + read, history + kept - taken);
    }
  });
  return y;
}

}  // namespace

Tensor short_conv(Tape& tape, const Tensor& x, const Tensor& weight, StateTensor* state) {
  if (state == nullptr) return convolve(tape, x, weight);
  if (state->home != nullptr) return convolve_in_place(tape, x, weight, state->value);
  const std::int64_t length = x.shape[1];
  const std::int64_t kept = weight.shape[0] - 1;
  const Tensor all = concat_tokens(tape, {state->value, x});
  state->value = slice_tokens(tape, all, length, kept);
  return slice_tokens(tape, convolve(tape, all, weight), kept, length);
}

}  // namespace seqbench

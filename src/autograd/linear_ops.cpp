#include "autograd/linear_ops.h"

#include <cmath>

#include "kernels/linear_attention.h"
#include "kernels/pair_rotation.h"

namespace seqbench {

Shape LinearRule::state_shape(std::int64_t batch, std::int64_t key_width, std::int64_t value_width) const {
  const LinearShape shape{
      .key_dim = key_width / heads, .value_dim = value_width / heads, .normalise = normalise};
  return {batch, heads, shape.state_size()};
}

Tensor linear_attention(Tape& tape, const Tensor& q, const Tensor& k, const Tensor& v, const LinearRule& rule,
                        StateTensor* state, std::int64_t first) {
  const LinearShape shape{.batch = q.shape[0],
                          .heads = rule.heads,
                          .length = q.shape[1],
                          .key_dim = q.shape[2] / rule.heads,
                          .value_dim = v.shape[2] / rule.heads,
                          .normalise = rule.normalise,
                          .chunk = rule.chunk,
                          .log_decay = rule.log_decay,
                          .floored = rule.floored,
                          .first = first};
  const Tensor y = tape.make(v.shape);
  const Carry ends = carry(tape, state, rule.state_shape(shape.batch, q.shape[2], v.shape[2]));
  visit(q.dtype, [&](auto zero) {
    using T = decltype(zero);
    if (shape.length == 1 && !tape.recording()) {
      kernels::linear_attention_step(shape, q.as<T>(), k.as<T>(), v.as<T>(), ends.after.as<T>(), y.as<T>());
      return;
    }
    const std::int64_t scratch_size = kernels::linear_attention_scratch(shape);
    T* den = tape.scratch<T>(shape.batch * shape.heads * shape.length);
    T* chunk_states = tape.recording() ? tape.scratch<T>(kernels::linear_chunk_states(shape)) : nullptr;
    T* scratch = tape.scratch<T>(scratch_size);
    kernels::linear_attention(shape, q.as<T>(), k.as<T>(), v.as<T>(),
                              {ends.after.as<T>(), y.as<T>(), den, chunk_states}, scratch);
    tape.release(scratch, scratch_size);
    record(tape, y, ends, [=, &tape] {
      T* memory = tape.scratch<T>(scratch_size);
      kernels::linear_attention_backward(shape, q.as<T>(), k.as<T>(), v.as<T>(),
                                         {.o = y.as<T>(),
                                          .den = den,
                                          .chunk_states = chunk_states,
                                          .d_o = tape.gradient<T>(y),
                                          .d_last = end_gradient<T>(tape, ends),
                                          .dq = added_to<T>(tape, q),
                                          .dk = added_to<T>(tape, k),
                                          .dv = added_to<T>(tape, v),
                                          .d_first = start_gradient<T>(tape, ends)},
                                         memory);
      tape.release(memory, scratch_size);
    });
  });
  return y;
}

Tensor taylor_features(Tape& tape, const Tensor& x, std::int64_t heads) {
  const std::int64_t dim = x.shape[-1] / heads;
  const std::int64_t rows = x.shape.rows() * heads;
  const Tensor y = tape.make(x.shape.with_width(heads * taylor_size(dim)));
  visit(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    kernels::taylor(rows, dim, x.as<T>(), y.as<T>());
    tape.record(y, [=, &tape] {
      kernels::taylor_backward(rows, dim, x.as<T>(), tape.gradient<T>(y), added_to<T>(tape, x));
    });
  });
  return y;
}

Tensor pair_angles(Tape& tape, std::int64_t first, std::int64_t length, std::int64_t dim) {
  const Tensor angles = tape.make({length, dim});
  visit(angles.dtype, [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t pairs = dim / 2;
    for (std::int64_t m = 0; m < pairs; ++m) {
      const double share = m == 0 ? 0.0 : static_cast<double>(m) / static_cast<double>(pairs - 1);
      const double speed = std::pow(10000.0, -share);
      for (std::int64_t t = 0; t < length; ++t) {
        const double angle = static_cast<double>(first + t) * speed;
        angles.as<T>()[t * dim + 2 * m] = static_cast<T>(std::cos(angle));
        angles.as<T>()[t * dim + 2 * m + 1] = static_cast<T>(std::sin(angle));
      }
    }
  });
  return angles;
}

Tensor rotate_pairs(Tape& tape, const Tensor& x, const Tensor& angles, double scale) {
  const PairRotationShape shape{x.shape[0], x.shape[1], x.shape[2] / angles.shape[1], angles.shape[1], scale};
  const Tensor y = tape.make(x.shape);
  visit(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    kernels::rotate_pairs(shape, x.as<T>(), angles.as<T>(), y.as<T>());
    tape.record(y, [=, &tape] {
      kernels::rotate_pairs_backward(shape, tape.gradient<T>(y), angles.as<T>(), added_to<T>(tape, x));
    });
  });
  return y;
}

}  // namespace seqbench

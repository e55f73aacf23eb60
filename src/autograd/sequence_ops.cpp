#include "autograd/sequence_ops.h"

#include <cmath>

#include "autograd/sinks.h"
#include "kernels/attention.h"
#include "kernels/conv.h"
#include "kernels/linear_attention.h"
#include "kernels/min_gru.h"

namespace seqbench {
namespace {

AttentionShape self_attention_shape(const Tensor& q, std::int64_t heads) {
  const std::int64_t length = q.shape[1];
  const std::int64_t width = q.shape[2];
  const std::int64_t head_dim = width / heads;
  return {.batch = q.shape[0],
          .heads = heads,
          .head_dim = head_dim,
          .queries = length,
          .keys = length,
          .kv_batch = length * width,
          .kv_row = width,
          .scale = 1.0 / std::sqrt(static_cast<double>(head_dim))};
}

AttentionShape cached_attention_shape(const Tensor& q, const Buffer& keys, std::int64_t heads) {
  AttentionShape shape = self_attention_shape(q, heads);
  shape.kv_batch = shape.width();
  shape.kv_row = shape.batch * shape.width();
  shape.keys = keys.size() / shape.kv_row;
  return shape;
}

LinearShape linear_shape(const Tensor& q, std::int64_t heads) {
  return {.batch = q.shape[0],
          .heads = heads,
          .length = q.shape[1],
          .key_dim = q.shape[2] / heads,
          .value_dim = q.shape[2] / heads};
}

MinGruShape min_gru_shape(const Tensor& x) { return {x.shape[0], x.shape[1], x.shape[2]}; }

ConvShape conv_shape(const Tensor& x, const Tensor& weight) {
  return {x.shape[0], x.shape[1], x.shape[2], weight.shape[0]};
}

}  // namespace

Tensor causal_attention(Tape& tape, const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads) {
  const AttentionShape shape = self_attention_shape(q, heads);
  const Tensor y = tape.make(q.shape);
  visit(q.dtype, [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t scratch_size = kernels::attention_scratch(shape);
    T* lse = tape.scratch<T>(shape.batch * heads * shape.queries);
    T* scratch = tape.scratch<T>(scratch_size);
    kernels::attention(shape, q.as<T>(), k.as<T>(), v.as<T>(), y.as<T>(), lse, scratch);
    tape.release(scratch, scratch_size);
    tape.record(y, [=, &tape] {
      T* memory = tape.scratch<T>(scratch_size);
      T* dq = added_to<T>(tape, q);
      T* dk = added_to<T>(tape, k);
      T* dv = added_to<T>(tape, v);
      kernels::attention_backward(shape, q.as<T>(), k.as<T>(), v.as<T>(),
                                  {y.as<T>(), lse, tape.gradient<T>(y), dq, dk, dv}, memory);
      tape.release(memory, scratch_size);
    });
  });
  return y;
}

void append_tokens(const Tensor& x, Buffer& cache) {
  const std::int64_t batch = x.shape[0];
  const std::int64_t length = x.shape[1];
  const std::int64_t width = x.shape[2];
  const std::int64_t before = cache.size();
  cache.resize(before + x.shape.size());
  visit(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t b = 0; b < batch; ++b) {
      for (std::int64_t t = 0; t < length; ++t) {
        std::copy_n(x.as<T>() + (b * length + t) * width, width,
                    cache.as<T>() + before + (t * batch + b) * width);
      }
    }
  });
}

Tensor cached_attention(Tape& tape, const Tensor& q, const Buffer& keys, const Buffer& values,
                        std::int64_t heads) {
  const AttentionShape shape = cached_attention_shape(q, keys, heads);
  const Tensor y = tape.make(q.shape);
  visit(q.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* scratch = tape.scratch<T>(kernels::attention_scratch(shape));
    if (shape.queries == 1) {
      kernels::attention_step(shape, q.as<T>(), keys.as<T>(), values.as<T>(), y.as<T>(), scratch);
    } else {
      T* lse = tape.scratch<T>(shape.batch * heads * shape.queries);
      kernels::attention(shape, q.as<T>(), keys.as<T>(), values.as<T>(), y.as<T>(), lse, scratch);
    }
  });
  return y;
}

Tensor linear_attention(Tape& tape, const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads) {
  const LinearShape shape = linear_shape(q, heads);
  const Tensor y = tape.make(q.shape);
  visit(q.dtype, [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t scratch_size = kernels::linear_attention_scratch(shape);
    const std::int64_t state_size = shape.batch * heads * shape.state_size();
    T* den = tape.scratch<T>(shape.batch * heads * shape.length);
    T* chunk_states = tape.scratch<T>(kernels::linear_chunk_states(shape));
    T* state = tape.scratch<T>(state_size);
    T* scratch = tape.scratch<T>(scratch_size);
    std::fill_n(state, state_size, T(0));
    kernels::linear_attention(shape, q.as<T>(), k.as<T>(), v.as<T>(), {state, y.as<T>(), den, chunk_states},
                              scratch);
    tape.release(scratch, scratch_size);
    tape.release(state, state_size);
    tape.record(y, [=, &tape] {
      T* memory = tape.scratch<T>(scratch_size);
      T* dq = added_to<T>(tape, q);
      T* dk = added_to<T>(tape, k);
      T* dv = added_to<T>(tape, v);
      kernels::linear_attention_backward(shape, q.as<T>(), k.as<T>(), v.as<T>(),
                                         {y.as<T>(), den, chunk_states, tape.gradient<T>(y), dq, dk, dv},
                                         memory);
      tape.release(memory, scratch_size);
    });
  });
  return y;
}

Tensor linear_attention(Tape& tape, const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads,
                        Buffer& state) {
  const LinearShape shape = linear_shape(q, heads);
  const Tensor y = tape.make(q.shape);
  visit(q.dtype, [&](auto zero) {
    using T = decltype(zero);
    if (shape.length == 1) {
      kernels::linear_attention_step(shape, q.as<T>(), k.as<T>(), v.as<T>(), state.as<T>(), y.as<T>());
    } else {
      T* den = tape.scratch<T>(shape.batch * heads * shape.length);
      T* scratch = tape.scratch<T>(kernels::linear_attention_scratch(shape));
      kernels::linear_attention(shape, q.as<T>(), k.as<T>(), v.as<T>(),
                                {state.as<T>(), y.as<T>(), den, nullptr}, scratch);
    }
  });
  return y;
}

Tensor min_gru(Tape& tape, const Tensor& gate, const Tensor& candidate) {
  const MinGruShape shape = min_gru_shape(gate);
  const Tensor h = tape.make(gate.shape);
  visit(gate.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* state = tape.scratch<T>(shape.batch * shape.width);
    std::fill_n(state, shape.batch * shape.width, T(0));
    kernels::min_gru(shape, gate.as<T>(), candidate.as<T>(), state, h.as<T>());
    tape.release(state, shape.batch * shape.width);
    tape.record(h, [=, &tape] {
      Overwritten<T> d_gate(tape, gate);
      Overwritten<T> d_candidate(tape, candidate);
      kernels::min_gru_backward(shape, gate.as<T>(), candidate.as<T>(), h.as<T>(), tape.gradient<T>(h),
                                d_gate.data(), d_candidate.data());
      d_gate.finish();
      d_candidate.finish();
    });
  });
  return h;
}

Tensor min_gru(Tape& tape, const Tensor& gate, const Tensor& candidate, Buffer& state) {
  const Tensor h = tape.make(gate.shape);
  visit(gate.dtype, [&](auto zero) {
    using T = decltype(zero);
    kernels::min_gru(min_gru_shape(gate), gate.as<T>(), candidate.as<T>(), state.as<T>(), h.as<T>());
  });
  return h;
}

Tensor short_conv(Tape& tape, const Tensor& x, const Tensor& weight) {
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

Tensor short_conv(Tape& tape, const Tensor& x, const Tensor& weight, Buffer& state) {
  const ConvShape shape = conv_shape(x, weight);
  const Tensor y = tape.make(x.shape);
  visit(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    kernels::conv(shape, x.as<T>(), weight.as<T>(), state.as<T>(), y.as<T>());
    const std::int64_t kept = (shape.taps - 1) * shape.width;
    const std::int64_t read = shape.length * shape.width;
    for (std::int64_t b = 0; b < shape.batch; ++b) {
      T* history = state.as<T>() + b * kept;
      const T* in = x.as<T>() + b * read;
      if (read < kept) std::copy(history + read, history + kept, history);
      const std::int64_t taken = std::min(read, kept);
      std::copy(in + read - taken, in + read, history + kept - taken);
    }
  });
  return y;
}

}  // namespace seqbench

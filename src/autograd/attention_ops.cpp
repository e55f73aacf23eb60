#include "autograd/attention_ops.h"

#include <cmath>

#include "autograd/sinks.h"
#include "kernels/rotary.h"

namespace seqbench {
namespace {

AttentionShape self_attention_shape(const AttentionRule& rule, const AttentionTensors& in) {
  const std::int64_t length = in.q.shape[1];
  const std::int64_t head_dim = in.q.shape[2] / rule.heads;
  const std::int64_t kv_width = in.k.shape[2];
  return {.rule = rule,
          .batch = in.q.shape[0],
          .head_dim = head_dim,
          .queries = length,
          .keys = length,
          .kv_batch = length * kv_width,
          .kv_row = kv_width,
          .scale = 1.0 / std::sqrt(static_cast<double>(head_dim))};
}

AttentionShape cached_attention_shape(const AttentionRule& rule, const AttentionTensors& in) {
  AttentionShape shape = self_attention_shape(rule, in);
  const std::int64_t kv_width = in.k.shape[2];
  shape.kv_batch = kv_width;
  shape.kv_row = shape.batch * kv_width;
  shape.keys = in.k.shape[0];
  return shape;
}

template <class T>
AttentionInputs<T> numbers(const AttentionTensors& in) {
  return {in.q.as<T>(), in.k.as<T>(), in.v.as<T>(),
          in.q_sinks.data == nullptr ? nullptr : in.q_sinks.as<T>()};
}

template <class T>
void differentiate(Tape& tape, const AttentionShape& shape, const AttentionTensors& in, const Tensor& y,
                   const T* lse) {
  const std::int64_t scratch_size = kernels::attention_scratch(shape);
  T* scratch = tape.scratch<T>(scratch_size);
  T* dq = added_to<T>(tape, in.q);
  T* dk = added_to<T>(tape, in.k);
  T* dv = added_to<T>(tape, in.v);
  T* dq_sinks = in.q_sinks.data == nullptr ? nullptr : added_to<T>(tape, in.q_sinks);
  kernels::attention_backward(shape, numbers<T>(in),
                              {y.as<T>(), lse, tape.gradient<T>(y), dq, dk, dv, dq_sinks}, scratch);
  tape.release(scratch, scratch_size);
}

Tensor attend(Tape& tape, const AttentionShape& shape, const AttentionTensors& in) {
  const Tensor y = tape.make(in.q.shape);
  visit(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t scratch_size = kernels::attention_scratch(shape);
    T* lse = tape.scratch<T>(shape.batch * shape.rule.heads * shape.queries);
    T* scratch = tape.scratch<T>(scratch_size);
    if (shape.queries == 1 && !tape.recording()) {
      kernels::attention_step(shape, numbers<T>(in), y.as<T>(), scratch);
    } else {
      kernels::attention(shape, numbers<T>(in), y.as<T>(), lse, scratch);
    }
    tape.release(scratch, scratch_size);
    tape.record(y, [=, &tape] { differentiate<T>(tape, shape, in, y, lse); });
  });
  return y;
}

}  // namespace

Tensor causal_attention(Tape& tape, const AttentionRule& rule, const AttentionTensors& in) {
  return attend(tape, self_attention_shape(rule, in), in);
}

Tensor cached_attention(Tape& tape, const AttentionRule& rule, const AttentionTensors& in) {
  return attend(tape, cached_attention_shape(rule, in), in);
}

Tensor rotary(Tape& tape, const Tensor& x, std::int64_t head_dim, std::int64_t first, std::int64_t last) {
  const RotaryShape shape{.batch = x.shape[0],
                          .length = x.shape[1],
                          .heads = x.shape[2] / head_dim,
                          .head_dim = head_dim,
                          .first = first,
                          .last = last};
  const Tensor y = tape.make(x.shape);
  visit(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    kernels::rotary(shape, x.as<T>(), y.as<T>());
    tape.record(y, [=, &tape] {
      Overwritten<T> dx(tape, x);
      kernels::rotary_backward(shape, tape.gradient<T>(y), dx.data());
      dx.finish();
    });
  });
  return y;
}

}  // namespace seqbench

#include "autograd/attention_ops.h"

#include <cmath>

#include "autograd/sinks.h"
#include "kernels/attention.h"

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

AttentionShape cached_attention_shape(const Tensor& q, const Tensor& keys, std::int64_t heads) {
  AttentionShape shape = self_attention_shape(q, heads);
  shape.kv_batch = shape.width();
  shape.kv_row = shape.batch * shape.width();
  shape.keys = keys.shape[0];
  return shape;
}

Tensor attend(Tape& tape, const AttentionShape& shape, const Tensor& q, const Tensor& k, const Tensor& v) {
  const Tensor y = tape.make(q.shape);
  visit(q.dtype, [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t scratch_size = kernels::attention_scratch(shape);
    T* scratch = tape.scratch<T>(scratch_size);
    if (shape.queries == 1 && !tape.recording()) {
      kernels::attention_step(shape, q.as<T>(), k.as<T>(), v.as<T>(), y.as<T>(), scratch);
      return;
    }
    T* lse = tape.scratch<T>(shape.batch * shape.heads * shape.queries);
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

}  // namespace

Tensor causal_attention(Tape& tape, const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads) {
  return attend(tape, self_attention_shape(q, heads), q, k, v);
}

Tensor cached_attention(Tape& tape, const Tensor& q, const Tensor& keys, const Tensor& values,
                        std::int64_t heads) {
  return attend(tape, cached_attention_shape(q, keys, heads), q, keys, values);
}

}  // namespace seqbench

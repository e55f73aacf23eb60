#include "autograd/linear_ops.h"

#include "kernels/linear_attention.h"

namespace seqbench {
namespace {

LinearShape linear_shape(const Tensor& q, std::int64_t heads) {
  return {.batch = q.shape[0],
          .heads = heads,
          .length = q.shape[1],
          .key_dim = q.shape[2] / heads,
          .value_dim = q.shape[2] / heads};
}

}  // namespace

Tensor linear_attention(Tape& tape, const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads,
                        StateTensor* state) {
  const LinearShape shape = linear_shape(q, heads);
  const Tensor y = tape.make(q.shape);
  const Carry ends = carry(tape, state, {shape.batch, heads, shape.state_size()});
  visit(q.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* sums = ends.after.as<T>();
    if (shape.length == 1 && !tape.recording()) {
      kernels::linear_attention_step(shape, q.as<T>(), k.as<T>(), v.as<T>(), sums, y.as<T>());
      return;
    }
    const std::int64_t scratch_size = kernels::linear_attention_scratch(shape);
    T* den = tape.scratch<T>(shape.batch * heads * shape.length);
    T* chunk_states = tape.recording() ? tape.scratch<T>(kernels::linear_chunk_states(shape)) : nullptr;
    T* scratch = tape.scratch<T>(scratch_size);
    kernels::linear_attention(shape, q.as<T>(), k.as<T>(), v.as<T>(), {sums, y.as<T>(), den, chunk_states},
                              scratch);
    tape.release(scratch, scratch_size);
    record(tape, y, ends, [=, &tape] {
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

}  // namespace seqbench

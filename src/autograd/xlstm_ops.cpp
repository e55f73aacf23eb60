#include "autograd/xlstm_ops.h"

#include <algorithm>

#include "kernels/mlstm.h"
#include "kernels/slstm.h"

namespace seqbench {
namespace {

MlstmShape mlstm_shape(const MlstmTensors& in, std::int64_t chunk) {
  const std::int64_t heads = in.input_gate.shape[2];
  return {in.q.shape[0], heads, in.q.shape[1], in.q.shape[2] / heads, chunk};
}

template <class T>
MlstmInputs<T> numbers(const MlstmTensors& in) {
  return {in.q.as<T>(), in.k.as<T>(), in.v.as<T>(), in.input_gate.as<T>(), in.forget_gate.as<T>()};
}

SlstmShape slstm_shape(const SlstmTensors& in) {
  return {in.i.shape[0], in.i.shape[1], in.r.shape[0], in.r.shape[1]};
}

template <class T>
SlstmInputs<T> numbers(const SlstmTensors& in) {
  return {in.i.as<T>(), in.f.as<T>(), in.z.as<T>(), in.o.as<T>(), in.r.as<T>()};
}

// h, c, n = 0 and m of an empty memory.
template <class T>
void clear_slstm(std::int64_t batch, std::int64_t width, T* state) {
  for (std::int64_t b = 0; b < batch; ++b, state += 4 * width) {
    std::fill_n(state, 3 * width, T(0));
    std::fill_n(state + 3 * width, width, static_cast<T>(kSlstmNoMemory));
  }
}

}  // namespace

Tensor mlstm(Tape& tape, const MlstmTensors& in, std::int64_t chunk, StateTensor* state) {
  const MlstmShape shape = mlstm_shape(in, chunk);
  const Tensor h = tape.make(in.q.shape);
  const Carry ends = carry(tape, state, {shape.batch, shape.heads, shape.state_size()});
  visit(h.dtype, [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t den_size = shape.batch * shape.heads * shape.length;
    const std::int64_t scratch_size = kernels::mlstm_scratch(shape);
    T* den = tape.scratch<T>(den_size);
    T* chunk_states = tape.recording() ? tape.scratch<T>(kernels::mlstm_chunk_states(shape)) : nullptr;
    T* scratch = tape.scratch<T>(scratch_size);
    kernels::mlstm(shape, numbers<T>(in), {ends.after.as<T>(), h.as<T>(), den, chunk_states}, scratch);
    tape.release(scratch, scratch_size);
    record(tape, h, ends, [=, &tape] {
      Overwritten<T> dq(tape, in.q), dk(tape, in.k), dv(tape, in.v);
      Overwritten<T> d_input(tape, in.input_gate), d_forget(tape, in.forget_gate);
      T* memory = tape.scratch<T>(scratch_size);
      kernels::mlstm_backward(
          shape, numbers<T>(in),
          {h.as<T>(), den, chunk_states, ends.after.as<T>(), tape.gradient<T>(h), end_gradient<T>(tape, ends),
           start_gradient<T>(tape, ends), dq.data(), dk.data(), dv.data(), d_input.data(), d_forget.data()},
          memory);
      tape.release(memory, scratch_size);
      for (Overwritten<T>* sink : {&dq, &dk, &dv, &d_input, &d_forget}) sink->finish();
    });
  });
  return h;
}

void add_mlstm_state(State& state, std::int64_t heads, std::int64_t dim, DType type) {
  state.add("cell", {state.batch, heads, dim * (dim + 1) + 1}, type,
            "of each head C by rows (key, value), n and m; C and n divided by e^m");
}

Tensor slstm(Tape& tape, const SlstmTensors& in, StateTensor* state) {
  const SlstmShape shape = slstm_shape(in);
  const Shape state_shape{shape.batch, 4, shape.width()};
  const Tensor h = tape.make(in.i.shape);
  visit(h.dtype, [&](auto zero) {
    using T = decltype(zero);
    StateTensor empty;
    if (state == nullptr) {
      empty.value = tape.make(state_shape);
      clear_slstm(shape.batch, shape.width(), empty.value.as<T>());
    }
    const Carry ends = carry(tape, state == nullptr ? &empty : state, state_shape);
    T* gates = tape.scratch<T>(shape.gates_size());
    T* cells = tape.recording() ? tape.scratch<T>(shape.cells_size()) : nullptr;
    kernels::slstm(shape, numbers<T>(in), {ends.after.as<T>(), h.as<T>(), gates, cells});
    if (!tape.recording()) tape.release(gates, shape.gates_size());
    record(tape, h, ends, [=, &tape] {
      Overwritten<T> d_i(tape, in.i), d_f(tape, in.f), d_z(tape, in.z), d_o(tape, in.o);
      const std::int64_t scratch_size = kernels::slstm_scratch(shape);
      T* memory = tape.scratch<T>(scratch_size);
      kernels::slstm_backward(shape, numbers<T>(in),
                              {h.as<T>(), cells, ends.before.as<T>(), tape.gradient<T>(h),
                               end_gradient<T>(tape, ends), start_gradient<T>(tape, ends), d_i.data(),
                               d_f.data(), d_z.data(), d_o.data(), added_to<T>(tape, in.r)},
                              gates, memory);
      tape.release(memory, scratch_size);
      for (Overwritten<T>* sink : {&d_i, &d_f, &d_z, &d_o}) sink->finish();
    });
  });
  return h;
}

void add_slstm_state(State& state, std::int64_t width, DType type) {
  state.add("cell", {state.batch, 4, width}, type, "h, c, n, m; c and n divided by e^m");
  visit(type,
        [&](auto zero) { clear_slstm(state.batch, width, state.parts.back().values.as<decltype(zero)>()); });
}

}  // namespace seqbench

#include "autograd/scan_ops.h"

#include "kernels/min_gru.h"

namespace seqbench {

Tensor min_gru(Tape& tape, const Tensor& gate, const Tensor& candidate, StateTensor* state) {
  const MinGruShape shape{gate.shape[0], gate.shape[1], gate.shape[2]};
  const Tensor h = tape.make(gate.shape);
  const Carry ends = carry(tape, state, {shape.batch, shape.width});
  visit(gate.dtype, [&](auto zero) {
    using T = decltype(zero);
    kernels::min_gru(shape, gate.as<T>(), candidate.as<T>(), ends.after.as<T>(), h.as<T>());
    record(tape, h, ends, [=, &tape] {
      Overwritten<T> d_gate(tape, gate);
      Overwritten<T> d_candidate(tape, candidate);
      kernels::min_gru_backward(
          shape, gate.as<T>(), candidate.as<T>(), h.as<T>(), tape.gradient<T>(h),
          {ends.before.as<T>(), end_gradient<T>(tape, ends), start_gradient<T>(tape, ends)}, d_gate.data(),
          d_candidate.data());
      d_gate.finish();
      d_candidate.finish();
    });
  });
  return h;
}

}  // namespace seqbench

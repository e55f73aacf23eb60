#include "autograd/cell_ops.h"

#include "kernels/gru.h"
#include "kernels/lstm.h"

namespace seqbench {

Tensor lstm(Tape& tape, const Tensor& x, const Tensor& u, StateTensor* state) {
  const LstmShape shape{x.shape[0], x.shape[1], u.shape[0]};
  const Tensor h = tape.make(x.shape.with_width(shape.width));
  const Carry ends = carry(tape, state, {shape.batch, 2 * shape.width});
  visit(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    using History = kernels::LstmHistory<T>;
    T* memory = tape.scratch<T>(History::size(shape));
    kernels::lstm(shape, x.as<T>(), u.as<T>(), ends.after.as<T>(), h.as<T>(), History(shape, memory));
    if (!tape.recording()) tape.release(memory, History::size(shape));
    record(tape, h, ends, [=, &tape] {
      kernels::lstm_backward(shape, u.as<T>(), History(shape, memory),
                             {tape.gradient<T>(h), end_gradient<T>(tape, ends), start_gradient<T>(tape, ends),
                              added_to<T>(tape, x), added_to<T>(tape, u)});
      tape.release(memory, History::size(shape));
    });
  });
  return h;
}

Tensor gru(Tape& tape, const Tensor& x, const Tensor& u, const Tensor& bias, StateTensor* state) {
  const GruShape shape{x.shape[0], x.shape[1], u.shape[0]};
  const Tensor h = tape.make(x.shape.with_width(shape.width));
  const Carry ends = carry(tape, state, {shape.batch, shape.width});
  visit(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    using History = kernels::GruHistory<T>;
    T* memory = tape.scratch<T>(History::size(shape));
    kernels::gru(shape, x.as<T>(), u.as<T>(), bias.as<T>(), ends.after.as<T>(), h.as<T>(),
                 History(shape, memory));
    if (!tape.recording()) tape.release(memory, History::size(shape));
    record(tape, h, ends, [=, &tape] {
      kernels::gru_backward(shape, u.as<T>(), History(shape, memory),
                            {tape.gradient<T>(h), end_gradient<T>(tape, ends), start_gradient<T>(tape, ends),
                             added_to<T>(tape, x), added_to<T>(tape, u), added_to<T>(tape, bias)});
      tape.release(memory, History::size(shape));
    });
  });
  return h;
}

}  // namespace seqbench

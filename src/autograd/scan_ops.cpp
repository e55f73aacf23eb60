#include "autograd/scan_ops.h"

namespace seqbench {

Tensor gated_scan(Tape& tape, const Tensor& gate, const Tensor& candidate, Candidate kind, ScanOrder order,
                  StateTensor* state) {
  const GatedScanShape shape{gate.shape[0], gate.shape[1], gate.shape[2], kind};
  const Tensor h = tape.make(gate.shape);
  const Carry ends = carry(tape, state, {shape.batch, shape.width});
  visit(gate.dtype, [&](auto zero) {
    using T = decltype(zero);
    if (order == ScanOrder::sequential) {
      kernels::gated_scan(shape, gate.as<T>(), candidate.as<T>(), ends.after.as<T>(), h.as<T>());
    } else {
      kernels::gated_scan_chunked(shape, gate.as<T>(), candidate.as<T>(), ends.after.as<T>(), h.as<T>());
    }
    record(tape, h, ends, [=, &tape] {
      Overwritten<T> d_gate(tape, gate);
      Overwritten<T> d_candidate(tape, candidate);
      kernels::gated_scan_backward(
          shape, gate.as<T>(), candidate.as<T>(), h.as<T>(), tape.gradient<T>(h),
          {ends.before.as<T>(), end_gradient<T>(tape, ends), start_gradient<T>(tape, ends)}, d_gate.data(),
          d_candidate.data());
      d_gate.finish();
      d_candidate.finish();
    });
  });
  return h;
}

Tensor log_odds(Tape& tape, const Tensor& input, const Tensor& forget) {
  const Tensor odds = tape.make(input.shape);
  const std::int64_t count = input.shape.size();
  visit(input.dtype, [&](auto zero) {
    using T = decltype(zero);
    kernels::log_odds(count, input.as<T>(), forget.as<T>(), odds.as<T>());
    tape.record(odds, [=, &tape] {
      Overwritten<T> d_input(tape, input);
      Overwritten<T> d_forget(tape, forget);
      kernels::log_odds_backward(count, input.as<T>(), forget.as<T>(), tape.gradient<T>(odds), d_input.data(),
                                 d_forget.data());
      d_input.finish();
      d_forget.finish();
    });
  });
  return odds;
}

}  // namespace seqbench

// The functions of gates. Included once per instruction set by Highway's foreach_target.
#if defined(SEQBENCH_KERNELS_GATES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SEQBENCH_KERNELS_GATES_INL_H_
#undef SEQBENCH_KERNELS_GATES_INL_H_
#else
#define SEQBENCH_KERNELS_GATES_INL_H_
#endif

#include "kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace seqbench {
namespace HWY_NAMESPACE {

HWY_INLINE FloatVec gate_sigmoid(FloatVec x) { return sigmoid_of_minus(hn::Neg(x)); }

// 2 sigmoid(2x) - 1: what small x lose to the difference is below 1e-7, as the ulp of the other gates.
HWY_INLINE FloatVec gate_tanh(FloatVec x) { return hn::MulSub(all(2), gate_sigmoid(hn::Add(x, x)), all(1)); }

// Of y = sigmoid(x) and y = tanh(x), from y.
HWY_INLINE FloatVec sigmoid_slope(FloatVec y) { return hn::NegMulAdd(y, y, y); }
HWY_INLINE FloatVec tanh_slope(FloatVec y) { return hn::NegMulAdd(y, y, all(1)); }

}  // namespace HWY_NAMESPACE
}  // namespace seqbench
HWY_AFTER_NAMESPACE();

#endif

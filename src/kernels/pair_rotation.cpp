#include "kernels/pair_rotation.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pair_rotation.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace seqbench {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR
// One lane has no neighbour.
template <bool kBack>
void turn(const PairRotationShape& shape, const float* x, const float* angles, float* y) {
  naive::turn_pairs(shape, kBack ? -1 : 1, x, angles, kBack, y);
}
#else
// A vector holds whole pairs: its length and dim are even.
template <bool kBack>
HWY_INLINE void turn(const PairRotationShape& shape, const float* x, const float* angles, float* y) {
  const FloatVec scale = all(static_cast<float>(shape.scale));
  for (std::int64_t row = 0; row < shape.batch * shape.length * shape.heads; ++row) {
    const float* angle = angles + row / shape.heads % shape.length * shape.dim;
    const std::int64_t first = row * shape.dim;
    for_vectors(shape.dim, [&](std::int64_t i, auto part) HWY_ATTR {
      const FloatVec both = hn::Mul(scale, part.load(angle + i));
      const FloatVec in = part.load(x + first + i);
      const FloatVec crossed = hn::Mul(hn::Reverse2(FloatTag(), in), hn::DupOdd(both));
      const FloatVec minus = hn::Neg(crossed);
      const FloatVec turned = hn::MulAdd(in, hn::DupEven(both),
                                         kBack ? hn::OddEven(minus, crossed) : hn::OddEven(crossed, minus));
      part.store(kBack ? hn::Add(turned, part.load(y + first + i)) : turned, y + first + i);
    });
  }
}
#endif

void Rotate(const PairRotationShape& shape, const float* x, const float* angles, float* y) {
  turn<false>(shape, x, angles, y);
}

void RotateBackward(const PairRotationShape& shape, const float* dy, const float* angles, float* dx) {
  turn<true>(shape, dy, angles, dx);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace seqbench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace seqbench::kernels {
namespace {
HWY_EXPORT(Rotate);
HWY_EXPORT(RotateBackward);
}  // namespace

void rotate_pairs(const PairRotationShape& shape, const float* x, const float* angles, float* y) {
  HWY_DYNAMIC_DISPATCH(Rotate)(shape, x, angles, y);
}

void rotate_pairs_backward(const PairRotationShape& shape, const float* dy, const float* angles, float* dx) {
  HWY_DYNAMIC_DISPATCH(RotateBackward)(shape, dy, angles, dx);
}

}  // namespace seqbench::kernels
#endif

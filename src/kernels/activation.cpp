#include "kernels/activation.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/activation.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace seqbench {
namespace HWY_NAMESPACE {

// gelu(x) = x s(2u) with u = sqrt(2/pi) (x + 0.044715 x^3), because (1 + tanh u) / 2 = sigmoid(2u): one
// exponential.
struct GeluParts {
  FloatVec share;  // sigmoid(2u)
  FloatVec square;
};
HWY_INLINE GeluParts gelu_parts(FloatVec x) {
  const FloatVec square = hn::Mul(x, x);
  const FloatVec minus_2u =
      hn::Mul(x, hn::MulAdd(square, all(static_cast<float>(-2 * naive::kGeluScale * naive::kGeluCube)),
                            all(static_cast<float>(-2 * naive::kGeluScale))));
  return {sigmoid_of_minus(minus_2u), square};
}

void BiasGelu(std::int64_t rows, std::int64_t width, const float* x, const float* bias, float* y) {
  for (std::int64_t r = 0; r < rows; ++r, x += width, y += width) {
    for_vectors(width, [&](std::int64_t c, auto part) HWY_ATTR {
      const FloatVec in = hn::Add(part.load(x + c), part.load(bias + c));
      part.store(hn::Mul(in, gelu_parts(in).share), y + c);
    });
  }
}

// d/dx x s(2u) = s + x s (1 - s) 2u', 2u' = 2 sqrt(2/pi) (1 + 3 * 0.044715 x^2)
void BiasGeluBackward(std::int64_t rows, std::int64_t width, const float* x, const float* bias,
                      const float* dy, float* dx, bool accumulate, float* dbias) {
  for (std::int64_t r = 0; r < rows; ++r, x += width, dy += width, dx += width) {
    for_vectors(width, [&](std::int64_t c, auto part) HWY_ATTR {
      const FloatVec in = hn::Add(part.load(x + c), part.load(bias + c));
      const GeluParts parts = gelu_parts(in);
      const FloatVec slope_2u =
          hn::MulAdd(parts.square, all(static_cast<float>(6 * naive::kGeluScale * naive::kGeluCube)),
                     all(static_cast<float>(2 * naive::kGeluScale)));
      const FloatVec both = hn::Mul(parts.share, hn::Sub(all(1), parts.share));
      const FloatVec slope = hn::MulAdd(hn::Mul(in, both), slope_2u, parts.share);
      const FloatVec d = hn::Mul(part.load(dy + c), slope);
      part.store(accumulate ? hn::Add(d, part.load(dx + c)) : d, dx + c);
      part.store(hn::Add(d, part.load(dbias + c)), dbias + c);
    });
  }
}

void EluPlusOne(std::int64_t count, const float* x, float* y) {
  for_vectors(count, [&](std::int64_t i, auto part) HWY_ATTR {
    const FloatVec in = part.load(x + i);
    // a NaN is not below 0, and stays one
    part.store(hn::IfThenElse(hn::Le(in, all(0)), bounded_exp(in), hn::Add(in, all(1))), y + i);
  });
}

void EluPlusOneBackward(std::int64_t count, const float* x, const float* dy, float* dx, bool accumulate) {
  for_vectors(count, [&](std::int64_t i, auto part) HWY_ATTR {
    // exp(min(x, 0)) is 1 above 0: the slope on both sides
    const FloatVec d = hn::Mul(part.load(dy + i), bounded_exp(hn::Min(part.load(x + i), all(0))));
    part.store(accumulate ? hn::Add(d, part.load(dx + i)) : d, dx + i);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace seqbench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace seqbench::kernels {
namespace {
HWY_EXPORT(BiasGelu);
HWY_EXPORT(BiasGeluBackward);
HWY_EXPORT(EluPlusOne);
HWY_EXPORT(EluPlusOneBackward);
}  // namespace

void bias_gelu(std::int64_t rows, std::int64_t width, const float* x, const float* bias, float* y) {
  HWY_DYNAMIC_DISPATCH(BiasGelu)(rows, width, x, bias, y);
}

void bias_gelu_backward(std::int64_t rows, std::int64_t width, const float* x, const float* bias,
                        const float* dy, float* dx, bool accumulate_dx, float* dbias, bool accumulate_dbias) {
  if (!accumulate_dbias) std::fill_n(dbias, width, 0.0F);
  HWY_DYNAMIC_DISPATCH(BiasGeluBackward)(rows, width, x, bias, dy, dx, accumulate_dx, dbias);
}

void elu_plus_one(std::int64_t count, const float* x, float* y) {
  HWY_DYNAMIC_DISPATCH(EluPlusOne)(count, x, y);
}

void elu_plus_one_backward(std::int64_t count, const float* x, const float* dy, float* dx, bool accumulate) {
  HWY_DYNAMIC_DISPATCH(EluPlusOneBackward)(count, x, dy, dx, accumulate);
}

}  // namespace seqbench::kernels
#endif

#include "kernels/adamw.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/adamw.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace seqbench {
namespace HWY_NAMESPACE {
namespace {

void Update(const AdamW& a, std::int64_t count, const float* gradient, float* weights, float* first,
            float* second) {
  const FloatVec scale = all(static_cast<float>(a.gradient_scale));
  const FloatVec beta1 = all(static_cast<float>(a.beta1));
  const FloatVec beta2 = all(static_cast<float>(a.beta2));
  const FloatVec rest1 = all(static_cast<float>(1 - a.beta1));
  const FloatVec rest2 = all(static_cast<float>(1 - a.beta2));
  const FloatVec kept = all(static_cast<float>(1 - a.lr * a.weight_decay));
  const FloatVec step = all(static_cast<float>(a.lr / a.correction1));
  const FloatVec root = all(static_cast<float>(1 / std::sqrt(a.correction2)));
  const FloatVec eps = all(static_cast<float>(a.eps));
  for_vectors(count, [&](std::int64_t i, auto part) HWY_ATTR {
    const FloatVec g = hn::Mul(part.load(gradient + i), scale);
    const FloatVec m = hn::MulAdd(beta1, part.load(first + i), hn::Mul(rest1, g));
    const FloatVec v = hn::MulAdd(beta2, part.load(second + i), hn::Mul(rest2, hn::Mul(g, g)));
    const FloatVec spread = hn::MulAdd(hn::Sqrt(v), root, eps);
    const FloatVec w = hn::Mul(part.load(weights + i), kept);
    part.store(hn::NegMulAdd(step, hn::Div(m, spread), w), weights + i);
    part.store(m, first + i);
    part.store(v, second + i);
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace seqbench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace seqbench::kernels {
namespace {
HWY_EXPORT(Update);
}

void adamw(const AdamW& step, std::int64_t count, const float* gradient, float* weights, float* first,
           float* second) {
  HWY_DYNAMIC_DISPATCH(Update)(step, count, gradient, weights, first, second);
}

}  // namespace seqbench::kernels
#endif

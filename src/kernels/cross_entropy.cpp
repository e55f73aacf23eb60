#include "kernels/cross_entropy.h"

#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cross_entropy.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace seqbench {
namespace HWY_NAMESPACE {
namespace {

// The largest of `count` numbers. `poison` becomes NaN when one of them is not finite, and stays 0 otherwise.
float largest(std::int64_t count, const float* x, float& poison) {
  FloatVec most = all(-std::numeric_limits<float>::infinity());
  FloatVec bad = all(0);
  std::int64_t i = 0;
  for (; i + lanes() <= count; i += lanes()) {
    const FloatVec v = Whole::load(x + i);
    most = hn::Max(most, v);
    bad = hn::MulAdd(v, all(0), bad);
  }
  float result = hn::GetLane(hn::MaxOfLanes(FloatTag(), most));
  poison = sum_lanes_of(bad);
  for (; i < count; ++i) {
    result = x[i] > result ? x[i] : result;
    poison += x[i] * 0.0F;
  }
  return result;
}

std::int32_t first_equal(std::int64_t count, const float* x, float wanted) {
  const FloatVec value = all(wanted);
  std::int64_t i = 0;
  for (; i + lanes() <= count; i += lanes()) {
    const auto at = hn::FindFirstTrue(FloatTag(), hn::Eq(Whole::load(x + i), value));
    if (at >= 0) return static_cast<std::int32_t>(i + at);
  }
  while (i < count && x[i] != wanted) ++i;
  return static_cast<std::int32_t>(i < count ? i : 0);
}

// The sum of exp(x - top), which replaces x when `keep`.
float exponentials(std::int64_t count, float top, float* x, bool keep) {
  const FloatVec minus = all(-top);
  FloatVec sum = all(0);
  std::int64_t i = 0;
  for (; i + lanes() <= count; i += lanes()) {
    const FloatVec e = bounded_exp(hn::Add(Whole::load(x + i), minus));
    sum = hn::Add(sum, e);
    if (keep) Whole::store(e, x + i);
  }
  float total = sum_lanes_of(sum);
  for (; i < count; ++i) {
    const float e = std::exp(x[i] - top);
    total += e;
    if (keep) x[i] = e;
  }
  return total;
}

void CrossEntropy(std::int64_t rows, std::int64_t vocab, float* logits, const std::int32_t* labels,
                  double* loss, std::int32_t* best, bool gradient) {
  for (std::int64_t r = 0; r < rows; ++r, logits += vocab) {
    float poison = 0;
    const float top = largest(vocab, logits, poison);
    best[r] = std::isnan(poison) ? -1 : first_equal(vocab, logits, top);
    const double at_label = static_cast<double>(logits[labels[r]]);
    const float sum = exponentials(vocab, top, logits, gradient);
    loss[r] = static_cast<double>(top) + std::log(static_cast<double>(sum)) - at_label +
              static_cast<double>(poison);
    if (!gradient) continue;
    const FloatVec inverse = all(1.0F / sum);
    for_vectors(vocab, [&](std::int64_t c, auto part)
                           HWY_ATTR { part.store(hn::Mul(part.load(logits + c), inverse), logits + c); });
    logits[labels[r]] -= 1.0F;
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace seqbench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace seqbench::kernels {
namespace {
HWY_EXPORT(CrossEntropy);
}

void cross_entropy(std::int64_t rows, std::int64_t vocab, float* logits, const std::int32_t* labels,
                   double* loss, std::int32_t* best, bool gradient) {
  HWY_DYNAMIC_DISPATCH(CrossEntropy)(rows, vocab, logits, labels, loss, best, gradient);
}

}  // namespace seqbench::kernels
#endif

#include "kernels/elementwise.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace seqbench {
namespace HWY_NAMESPACE {
namespace {

void Add(std::int64_t count, const float* a, const float* b, float* y) {
  for_vectors(count, [&](std::int64_t i, auto part)
                         HWY_ATTR { part.store(hn::Add(part.load(a + i), part.load(b + i)), y + i); });
}

void Multiply(std::int64_t count, const float* a, const float* b, float* y, bool accumulate) {
  for_vectors(count, [&](std::int64_t i, auto part) HWY_ATTR {
    const FloatVec product = hn::Mul(part.load(a + i), part.load(b + i));
    part.store(accumulate ? hn::Add(product, part.load(y + i)) : product, y + i);
  });
}

void AddBias(std::int64_t rows, std::int64_t width, const float* x, const float* bias, float* y) {
  for (std::int64_t r = 0; r < rows; ++r) Add(width, x + r * width, bias, y + r * width);
}

void SumLanes(std::int64_t count, std::int64_t lane_count, const float* const* parts, float scale,
              float* out) {
  for_vectors(count, [&](std::int64_t i, auto part) HWY_ATTR {
    FloatVec sum = part.load(parts[0] + i);
    for (std::int64_t l = 1; l < lane_count; ++l) sum = hn::Add(sum, part.load(parts[l] + i));
    part.store(hn::Mul(sum, all(scale)), out + i);
  });
}

// f32 partial sums over 256 numbers a lane, then f64: 1e-6 of a norm is more than clipping needs.
double SquaredSum(std::int64_t count, const float* x) {
  double total = 0;
  const std::int64_t block = 256 * lanes();
  for (std::int64_t first = 0; first < count; first += block) {
    FloatVec sum = all(0);
    for_vectors(std::min(block, count - first), [&](std::int64_t i, auto part) HWY_ATTR {
      const FloatVec v = part.load(x + first + i);
      sum = hn::MulAdd(v, v, sum);
    });
    total += static_cast<double>(sum_lanes_of(sum));
  }
  return total;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace seqbench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace seqbench::kernels {
namespace {
HWY_EXPORT(Add);
HWY_EXPORT(Multiply);
HWY_EXPORT(AddBias);
HWY_EXPORT(SumLanes);
HWY_EXPORT(SquaredSum);
}  // namespace

void add(std::int64_t count, const float* a, const float* b, float* y) {
  HWY_DYNAMIC_DISPATCH(Add)(count, a, b, y);
}

void multiply(std::int64_t count, const float* a, const float* b, float* y, bool accumulate) {
  HWY_DYNAMIC_DISPATCH(Multiply)(count, a, b, y, accumulate);
}

void add_to(std::int64_t count, const float* x, float* y, bool accumulate) {
  if (accumulate) {
    HWY_DYNAMIC_DISPATCH(Add)(count, x, y, y);
  } else {
    std::copy_n(x, count, y);
  }
}

void add_bias(std::int64_t rows, std::int64_t width, const float* x, const float* bias, float* y) {
  HWY_DYNAMIC_DISPATCH(AddBias)(rows, width, x, bias, y);
}

void column_sum(std::int64_t rows, std::int64_t width, const float* x, float* sum, bool accumulate) {
  if (!accumulate) std::fill_n(sum, width, 0.0F);
  for (std::int64_t r = 0; r < rows; ++r) add(width, x + r * width, sum, sum);
}

void sum_lanes(std::int64_t count, std::int64_t lanes, const float* const* parts, float scale, float* out) {
  HWY_DYNAMIC_DISPATCH(SumLanes)(count, lanes, parts, scale, out);
}

double squared_sum(std::int64_t count, const float* x) { return HWY_DYNAMIC_DISPATCH(SquaredSum)(count, x); }

}  // namespace seqbench::kernels
#endif

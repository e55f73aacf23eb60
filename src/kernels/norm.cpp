#include "kernels/norm.h"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/norm.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace seqbench {
namespace HWY_NAMESPACE {
namespace {

HWY_INLINE float squared_distance(std::int64_t n, const float* x, float centre) {
  FloatVec squares = all(0);
  std::int64_t c = 0;
  for (; c + lanes() <= n; c += lanes()) {
    const FloatVec off = hn::Sub(Whole::load(x + c), all(centre));
    squares = hn::MulAdd(off, off, squares);
  }
  float rest = 0;  // lanes beyond the row load as 0, and would count as -centre
  for (; c < n; ++c) rest += (x[c] - centre) * (x[c] - centre);
  return sum_lanes_of(squares) + rest;
}

void NormForward(std::int64_t rows, std::int64_t width, const float* x, const float* gain, const float* bias,
                 float* y, float* mean, float* rstd, float eps) {
  const float inverse = 1.0F / static_cast<float>(width);
  for (std::int64_t r = 0; r < rows; ++r, x += width, y += width) {
    const float centre = sum_of(width, x) * inverse;
    const float scale = 1.0F / std::sqrt(squared_distance(width, x, centre) * inverse + eps);
    for_vectors(width, [&](std::int64_t c, auto part) HWY_ATTR {
      const FloatVec unit = hn::Mul(hn::Sub(part.load(x + c), all(centre)), all(scale));
      part.store(hn::MulAdd(unit, part.load(gain + c), part.load(bias + c)), y + c);
    });
    mean[r] = centre;
    rstd[r] = scale;
  }
}

void NormBackward(std::int64_t rows, std::int64_t width, const float* x, const float* gain, const float* mean,
                  const float* rstd, const float* dy, float* dx, bool accumulate_dx, float* dgain,
                  float* dbias) {
  const float inverse = 1.0F / static_cast<float>(width);
  for (std::int64_t r = 0; r < rows; ++r, x += width, dy += width, dx += width) {
    const FloatVec centre = all(mean[r]);
    const FloatVec scale = all(rstd[r]);
    FloatVec sum = all(0);
    FloatVec sum_unit = all(0);
    for_vectors(width, [&](std::int64_t c, auto part) HWY_ATTR {
      const FloatVec d = part.load(dy + c);
      const FloatVec unit = hn::Mul(hn::Sub(part.load(x + c), centre), scale);
      const FloatVec g = hn::Mul(d, part.load(gain + c));
      sum = hn::Add(sum, g);
      sum_unit = hn::MulAdd(g, unit, sum_unit);
      part.store(hn::MulAdd(d, unit, part.load(dgain + c)), dgain + c);
      part.store(hn::Add(d, part.load(dbias + c)), dbias + c);
    });
    const FloatVec mean_g = all(sum_lanes_of(sum) * inverse);
    const FloatVec mean_unit = all(sum_lanes_of(sum_unit) * inverse);
    for_vectors(width, [&](std::int64_t c, auto part) HWY_ATTR {
      const FloatVec unit = hn::Mul(hn::Sub(part.load(x + c), centre), scale);
      const FloatVec g = hn::Mul(part.load(dy + c), part.load(gain + c));
      const FloatVec d = hn::Mul(scale, hn::NegMulAdd(unit, mean_unit, hn::Sub(g, mean_g)));
      part.store(accumulate_dx ? hn::Add(d, part.load(dx + c)) : d, dx + c);
    });
  }
}

void UnitNorm(std::int64_t rows, std::int64_t width, bool centred, const float* x, float* y, float* rstd,
              float eps) {
  const float inverse = 1.0F / static_cast<float>(width);
  for (std::int64_t r = 0; r < rows; ++r, x += width, y += width) {
    const float centre = centred ? sum_of(width, x) * inverse : 0.0F;
    const float scale = 1.0F / std::sqrt(squared_distance(width, x, centre) * inverse + eps);
    for_vectors(width, [&](std::int64_t c, auto part) HWY_ATTR {
      part.store(hn::Mul(hn::Sub(part.load(x + c), all(centre)), all(scale)), y + c);
    });
    rstd[r] = scale;
  }
}

void UnitNormBackward(std::int64_t rows, std::int64_t width, bool centred, const float* y, const float* rstd,
                      const float* dy, float* dx, bool accumulate) {
  const float inverse = 1.0F / static_cast<float>(width);
  for (std::int64_t r = 0; r < rows; ++r, y += width, dy += width, dx += width) {
    const FloatVec mean = all(centred ? sum_of(width, dy) * inverse : 0.0F);
    FloatVec sum_unit = all(0);
    for_vectors(width, [&](std::int64_t c, auto part) HWY_ATTR {
      sum_unit = hn::MulAdd(part.load(dy + c), part.load(y + c), sum_unit);
    });
    const FloatVec mean_unit = all(sum_lanes_of(sum_unit) * inverse);
    for_vectors(width, [&](std::int64_t c, auto part) HWY_ATTR {
      const FloatVec g = hn::NegMulAdd(part.load(y + c), mean_unit, hn::Sub(part.load(dy + c), mean));
      const FloatVec d = hn::Mul(all(rstd[r]), g);
      part.store(accumulate ? hn::Add(d, part.load(dx + c)) : d, dx + c);
    });
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace seqbench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace seqbench::kernels {
namespace {
HWY_EXPORT(NormForward);
HWY_EXPORT(NormBackward);
HWY_EXPORT(UnitNorm);
HWY_EXPORT(UnitNormBackward);
}  // namespace

void layer_norm(std::int64_t rows, std::int64_t width, const float* x, const float* gain, const float* bias,
                float* y, float* mean, float* rstd, float eps) {
  HWY_DYNAMIC_DISPATCH(NormForward)(rows, width, x, gain, bias, y, mean, rstd, eps);
}

void layer_norm_backward(std::int64_t rows, std::int64_t width, const float* x, const float* gain,
                         const float* mean, const float* rstd, const float* dy, float* dx, bool accumulate_dx,
                         float* dgain, float* dbias) {
  HWY_DYNAMIC_DISPATCH(NormBackward)(rows, width, x, gain, mean, rstd, dy, dx, accumulate_dx, dgain, dbias);
}

void unit_norm(std::int64_t rows, std::int64_t width, bool centred, const float* x, float* y, float* rstd,
               float eps) {
  HWY_DYNAMIC_DISPATCH(UnitNorm)(rows, width, centred, x, y, rstd, eps);
}

void unit_norm_backward(std::int64_t rows, std::int64_t width, bool centred, const float* y,
                        const float* rstd, const float* dy, float* dx, bool accumulate) {
  HWY_DYNAMIC_DISPATCH(UnitNormBackward)(rows, width, centred, y, rstd, dy, dx, accumulate);
}

}  // namespace seqbench::kernels
#endif

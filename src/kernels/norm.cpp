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

void NormForward(std::int64_t rows, std::int64_t width, const float* x, const float* gain, const float* bias,
                 float* y, float* mean, float* rstd, float eps) {
  const float inverse = 1.0F / static_cast<float>(width);
  for (std::int64_t r = 0; r < rows; ++r, x += width, y += width) {
    FloatVec sum = all(0);
    for_vectors(width, [&](std::int64_t c, auto part) HWY_ATTR { sum = hn::Add(sum, part.load(x + c)); });
    const float centre = sum_lanes_of(sum) * inverse;
    FloatVec squares = all(0);
    float rest = 0;  // lanes beyond the row load as 0, and would count as -centre
    std::int64_t c0 = 0;
    for (; c0 + lanes() <= width; c0 += lanes()) {
      const FloatVec off = hn::Sub(Whole::load(x + c0), all(centre));
      squares = hn::MulAdd(off, off, squares);
    }
    for (; c0 < width; ++c0) rest += (x[c0] - centre) * (x[c0] - centre);
    const float scale = 1.0F / std::sqrt((sum_lanes_of(squares) + rest) * inverse + eps);
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

}  // namespace HWY_NAMESPACE
}  // namespace seqbench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace seqbench::kernels {
namespace {
HWY_EXPORT(NormForward);
HWY_EXPORT(NormBackward);
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

}  // namespace seqbench::kernels
#endif

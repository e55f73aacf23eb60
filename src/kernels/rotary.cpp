#include "kernels/rotary.h"

#include <cmath>
#include <complex>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/rotary.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace seqbench {
namespace HWY_NAMESPACE {
namespace {

// The heads of one token, turned by angles with these cosines and sines.
void turn(std::int64_t heads, std::int64_t half, const float* cosines, const float* sines, const float* x,
          float* y) {
  for (std::int64_t h = 0; h < heads; ++h, x += 2 * half, y += 2 * half) {
    for_vectors(half, [&](std::int64_t m, auto part) HWY_ATTR {
      const FloatVec a = part.load(x + m);
      const FloatVec b = part.load(x + half + m);
      const FloatVec cosine = part.load(cosines + m);
      const FloatVec sine = part.load(sines + m);
      part.store(hn::NegMulAdd(b, sine, hn::Mul(a, cosine)), y + m);
      part.store(hn::MulAdd(a, sine, hn::Mul(b, cosine)), y + half + m);
    });
  }
}

// Each token's angles are those of the one before turned by one step, as complex numbers of size 1: after a
// million tokens that is off by 1e-10, and it is far cheaper than a sine.
void Rotate(const RotaryShape& s, double direction, const float* x, float* y) {
  const std::int64_t half = s.head_dim / 2;
  const auto size = static_cast<std::size_t>(half);
  std::vector<std::complex<double>> now(size), step(size);
  std::vector<float> cosines(size), sines(size);
  for (std::size_t m = 0; m < size; ++m) {
    const double angle = direction * rotary_angle(static_cast<std::int64_t>(m), s.head_dim);
    now[m] = std::polar(1.0, static_cast<double>(s.position(0)) * angle);
    step[m] = std::polar(1.0, angle);
  }
  const std::int64_t row = s.heads * s.head_dim;
  for (std::int64_t t = 0; t < s.length; ++t) {
    for (std::size_t m = 0; m < size; ++m) {
      cosines[m] = static_cast<float>(now[m].real());
      sines[m] = static_cast<float>(now[m].imag());
      if (s.position(t + 1) == s.position(t)) continue;
      now[m] = {now[m].real() * step[m].real() - now[m].imag() * step[m].imag(),
                now[m].real() * step[m].imag() + now[m].imag() * step[m].real()};
    }
    for (std::int64_t b = 0; b < s.batch; ++b) {
      const std::int64_t at = (b * s.length + t) * row;
      turn(s.heads, half, cosines.data(), sines.data(), x + at, y + at);
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace seqbench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace seqbench::kernels {

namespace {
HWY_EXPORT(Rotate);
}

void rotary(const RotaryShape& shape, const float* x, float* y) {
  HWY_DYNAMIC_DISPATCH(Rotate)(shape, 1, x, y);
}

void rotary_backward(const RotaryShape& shape, const float* dy, float* dx) {
  HWY_DYNAMIC_DISPATCH(Rotate)(shape, -1, dy, dx);
}

}  // namespace seqbench::kernels
#endif

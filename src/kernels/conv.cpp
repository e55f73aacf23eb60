#include "kernels/conv.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace seqbench {
namespace HWY_NAMESPACE {
namespace {

void ConvForward(const ConvShape& s, const float* x, const float* weight, const float* history, float* y) {
  for (std::int64_t b = 0; b < s.batch; ++b) {
    const float* from = x + b * s.length * s.width;
    const float* before = history == nullptr ? nullptr : history + b * (s.taps - 1) * s.width;
    float* to = y + b * s.length * s.width;
    for (std::int64_t t = 0; t < s.length; ++t) {
      const std::int64_t inside = std::min(s.taps, t + 1);
      for_vectors(s.width, [&](std::int64_t c, auto part) HWY_ATTR {
        FloatVec sum = all(0);
        for (std::int64_t r = 0; r < inside; ++r) {
          sum = hn::MulAdd(part.load(weight + r * s.width + c), part.load(from + (t - r) * s.width + c), sum);
        }
        for (std::int64_t r = inside; r < s.taps && before != nullptr; ++r) {
          const float* old = before + (t - r + s.taps - 1) * s.width + c;
          sum = hn::MulAdd(part.load(weight + r * s.width + c), part.load(old), sum);
        }
        part.store(sum, to + t * s.width + c);
      });
    }
  }
}

void ConvBackward(const ConvShape& s, const float* x, const float* weight, const float* dy, float* dx,
                  float* dweight) {
  for (std::int64_t b = 0; b < s.batch; ++b) {
    const std::int64_t at = b * s.length * s.width;
    for (std::int64_t t = 0; t < s.length; ++t) {
      const std::int64_t reached =
          std::min(s.taps, s.length - t);  // outputs t .. t + reached - 1 read input t
      for_vectors(s.width, [&](std::int64_t c, auto part) HWY_ATTR {
        const std::int64_t here = at + t * s.width + c;
        const FloatVec in = part.load(x + here);
        FloatVec sum = part.load(dx + here);
        for (std::int64_t r = 0; r < reached; ++r) {
          const FloatVec d = part.load(dy + here + r * s.width);
          float* to = dweight + r * s.width + c;
          sum = hn::MulAdd(d, part.load(weight + r * s.width + c), sum);
          part.store(hn::MulAdd(d, in, part.load(to)), to);
        }
        part.store(sum, dx + here);
      });
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
HWY_EXPORT(ConvForward);
HWY_EXPORT(ConvBackward);
}  // namespace

void conv(const ConvShape& shape, const float* x, const float* weight, const float* history, float* y) {
  HWY_DYNAMIC_DISPATCH(ConvForward)(shape, x, weight, history, y);
}

void conv_backward(const ConvShape& shape, const float* x, const float* weight, const float* dy, float* dx,
                   float* dweight) {
  HWY_DYNAMIC_DISPATCH(ConvBackward)(shape, x, weight, dy, dx, dweight);
}

}  // namespace seqbench::kernels
#endif

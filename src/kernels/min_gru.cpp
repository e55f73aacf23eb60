#include "kernels/min_gru.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/min_gru.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace seqbench {
namespace HWY_NAMESPACE {
// g(x) and, in `below`, sigmoid(x), from which its slope follows for x < 0.
HWY_INLINE FloatVec candidate_of(FloatVec x, FloatVec& below) {
  below = sigmoid_of_minus(hn::Neg(x));
  return hn::IfThenElse(hn::Ge(x, all(0)), hn::Add(x, all(0.5F)), below);
}

// The channels of one vector from c on, of sequence b; `part` loads and stores those that exist.
template <class Lanes>
HWY_INLINE void forward_channels(const MinGruShape& s, std::int64_t b, std::int64_t c, const Lanes& part,
                                 const float* gate, const float* candidate, float* state, float* h) {
  float* last = state + b * s.width + c;
  FloatVec hidden = part.load(last);
  for (std::int64_t t = 0; t < s.length; ++t) {
    const std::int64_t at = (b * s.length + t) * s.width + c;
    const FloatVec z = sigmoid_of_minus(hn::Neg(part.load(gate + at)));
    FloatVec below;
    const FloatVec proposed = candidate_of(part.load(candidate + at), below);
    hidden = hn::MulAdd(z, hn::Sub(proposed, hidden), hidden);
    part.store(hidden, h + at);
  }
  part.store(hidden, last);
}

template <class Lanes>
HWY_INLINE void backward_channels(const MinGruShape& s, std::int64_t b, std::int64_t c, const Lanes& part,
                                  const float* gate, const float* candidate, const float* h, const float* dh,
                                  const ScanEnds<float>& ends, float* d_gate, float* d_candidate) {
  const std::int64_t end = b * s.width + c;
  const FloatVec one = all(1);
  const FloatVec first = ends.first == nullptr ? all(0) : part.load(ends.first + end);
  FloatVec carried = ends.d_last == nullptr ? all(0) : part.load(ends.d_last + end);
  for (std::int64_t t = s.length - 1; t >= 0; --t) {
    const std::int64_t at = (b * s.length + t) * s.width + c;
    const FloatVec z = sigmoid_of_minus(hn::Neg(part.load(gate + at)));
    const FloatVec keep = hn::Sub(one, z);
    const FloatVec x = part.load(candidate + at);
    FloatVec below;
    const FloatVec proposed = candidate_of(x, below);
    const FloatVec slope = hn::IfThenElse(hn::Ge(x, all(0)), one, hn::Mul(below, hn::Sub(one, below)));
    const FloatVec before = t == 0 ? first : part.load(h + at - s.width);
    const FloatVec g = hn::Add(part.load(dh + at), carried);
    const FloatVec gz = hn::Mul(g, z);
    part.store(hn::Mul(hn::Mul(gz, keep), hn::Sub(proposed, before)), d_gate + at);
    part.store(hn::Mul(gz, slope), d_candidate + at);
    carried = hn::Mul(g, keep);
  }
  if (ends.d_first != nullptr) {
    part.store(hn::Add(carried, part.load(ends.d_first + end)), ends.d_first + end);
  }
}

void Forward(const MinGruShape& s, const float* gate, const float* candidate, float* state, float* h) {
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for_vectors(s.width, [&](std::int64_t c, auto part)
                             HWY_ATTR { forward_channels(s, b, c, part, gate, candidate, state, h); });
  }
}

void Backward(const MinGruShape& s, const float* gate, const float* candidate, const float* h,
              const float* dh, const ScanEnds<float>& ends, float* d_gate, float* d_candidate) {
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for_vectors(s.width, [&](std::int64_t c, auto part) HWY_ATTR {
      backward_channels(s, b, c, part, gate, candidate, h, dh, ends, d_gate, d_candidate);
    });
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace seqbench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace seqbench::kernels {
namespace {
HWY_EXPORT(Forward);
HWY_EXPORT(Backward);
}  // namespace

void min_gru(const MinGruShape& shape, const float* gate, const float* candidate, float* state, float* h) {
  HWY_DYNAMIC_DISPATCH(Forward)(shape, gate, candidate, state, h);
}

void min_gru_backward(const MinGruShape& shape, const float* gate, const float* candidate, const float* h,
                      const float* dh, const ScanEnds<float>& ends, float* d_gate, float* d_candidate) {
  HWY_DYNAMIC_DISPATCH(Backward)(shape, gate, candidate, h, dh, ends, d_gate, d_candidate);
}

}  // namespace seqbench::kernels
#endif

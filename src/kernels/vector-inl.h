// Loops over numbers by whole vectors and a masked rest. Included once per instruction set by Highway's
// foreach_target.
#if defined(SEQBENCH_KERNELS_VECTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SEQBENCH_KERNELS_VECTOR_INL_H_
#undef SEQBENCH_KERNELS_VECTOR_INL_H_
#else
#define SEQBENCH_KERNELS_VECTOR_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace seqbench {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using FloatVec = hn::Vec<FloatTag>;
using FloatMask = hn::Mask<FloatTag>;

// All lanes of a vector.
struct Whole {
  static HWY_INLINE FloatVec load(const float* from) { return hn::LoadU(FloatTag(), from); }
  static HWY_INLINE void store(FloatVec v, float* to) { hn::StoreU(v, FloatTag(), to); }
};
// The first lanes of a vector; the others load as 0 and are not stored.
struct Part {
  FloatMask mask;
  HWY_INLINE FloatVec load(const float* from) const { return hn::MaskedLoad(mask, FloatTag(), from); }
  HWY_INLINE void store(FloatVec v, float* to) const { hn::BlendedStore(v, mask, FloatTag(), to); }
};

HWY_INLINE std::int64_t lanes() { return static_cast<std::int64_t>(hn::Lanes(FloatTag())); }

// body(i, part) for the vectors that begin at i = 0, lanes, ...: part loads and stores the numbers that
// exist.
template <class Body>
HWY_INLINE void for_vectors(std::int64_t count, const Body& body) {
  std::int64_t i = 0;
  for (; i + lanes() <= count; i += lanes()) body(i, Whole());
  if (i < count) body(i, Part{hn::FirstN(FloatTag(), static_cast<std::size_t>(count - i))});
}

HWY_INLINE FloatVec all(float x) { return hn::Set(FloatTag(), x); }

// max(x, bound) and min(x, bound), and NaN where x is: what hn::Max and hn::Min give of a NaN depends on the
// target. x86 gives its second operand.
HWY_INLINE FloatVec at_least(FloatVec x, FloatVec bound) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  return hn::Max(bound, x);
#else
  return hn::IfThenElse(hn::Lt(x, bound), bound, x);
#endif
}
HWY_INLINE FloatVec at_most(FloatVec x, FloatVec bound) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  return hn::Min(bound, x);
#else
  return hn::IfThenElse(hn::Lt(bound, x), bound, x);
#endif
}

// exp(x) for x in [-87, 88], where it is a normal f32; x beyond is taken as the nearer end, and a NaN stays one.
// 2^q exp(r) with q = x / log(2) rounded to the nearest integer by adding 1.5 * 2^23 + 127, whose low bits are
// then the exponent of 2^q, and a minimax polynomial of degree 6. The product with 2^q is exact; adding q to the
// exponent would make numbers of NaNs that have a payload. Measured over all of that range, the relative error is at most 1e-7, as that of
// Highway's Exp; gelu and cross-entropy take about a third less time with it.
// `most` lower than 88: for weights that are at most exp(most), but whose logits of 1e9 may by rounding be
// above.
HWY_INLINE FloatVec bounded_exp(FloatVec x, float most = 88) {
  const hn::RebindToSigned<FloatTag> integers;
  const FloatVec magic = all(12583039.0F);
  const FloatVec in = at_most(at_least(x, all(-87)), all(most));
  const FloatVec shifted = hn::MulAdd(in, all(1.44269504F), magic);
  const FloatVec q = hn::Sub(shifted, magic);
  const FloatVec r = hn::MulAdd(q, all(-1.42860677e-6F), hn::MulAdd(q, all(-0.693145752F), in));
  FloatVec y = hn::MulAdd(r, all(1.98527618e-4F), all(1.39304355e-3F));
  y = hn::MulAdd(y, r, all(8.33336078e-3F));
  y = hn::MulAdd(y, r, all(4.16664854e-2F));
  y = hn::MulAdd(y, r, all(1.66666672e-1F));
  y = hn::MulAdd(y, r, all(0.5F));
  y = hn::MulAdd(hn::MulAdd(y, r, all(1)), r, all(1));
  const auto power = hn::ShiftLeft<23>(hn::BitCast(integers, shifted));
  return hn::Mul(y, hn::BitCast(FloatTag(), power));
}

// 1 / (1 + exp(m)) = sigmoid(-m)
HWY_INLINE FloatVec sigmoid_of_minus(FloatVec m) { return hn::Div(all(1), hn::Add(all(1), bounded_exp(m))); }

HWY_INLINE float sum_lanes_of(FloatVec v) { return hn::GetLane(hn::SumOfLanes(FloatTag(), v)); }

HWY_INLINE float sum_of(std::int64_t n, const float* x) {
  FloatVec sum = all(0);
  for_vectors(n, [&](std::int64_t i, auto part) HWY_ATTR { sum = hn::Add(sum, part.load(x + i)); });
  return sum_lanes_of(sum);
}

// x *= factor
HWY_INLINE void scale(std::int64_t n, float factor, float* x) {
  for_vectors(n, [&](std::int64_t i, auto part)
                     HWY_ATTR { part.store(hn::Mul(all(factor), part.load(x + i)), x + i); });
}

}  // namespace HWY_NAMESPACE
}  // namespace seqbench
HWY_AFTER_NAMESPACE();

#endif

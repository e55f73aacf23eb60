// Loops over numbers by whole vectors and a masked rest. Included once per instruction set by Highway's foreach_target.
#if defined(SEQBENCH_KERNELS_VECTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SEQBENCH_KERNELS_VECTOR_INL_H_
#undef SEQBENCH_KERNELS_VECTOR_INL_H_
#else
#define SEQBENCH_KERNELS_VECTOR_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>
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

// body(i, part) for the vectors that begin at i = 0, lanes, ...: part loads and stores the numbers that exist.
template <class Body>
HWY_INLINE void for_vectors(std::int64_t count, const Body& body) {
  std::int64_t i = 0;
  for (; i + lanes() <= count; i += lanes()) body(i, Whole());
  if (i < count) body(i, Part{hn::FirstN(FloatTag(), static_cast<std::size_t>(count - i))});
}

HWY_INLINE FloatVec all(float x) { return hn::Set(FloatTag(), x); }
// 1 / (1 + exp(m)) = sigmoid(-m). Highway's Exp is defined up to 104; the result is 0 to f32 from 88 on.
HWY_INLINE FloatVec sigmoid_of_minus(FloatVec m) {
  return hn::Div(all(1), hn::Add(all(1), hn::Exp(FloatTag(), hn::Min(m, all(88)))));
}
HWY_INLINE float sum_lanes_of(FloatVec v) { return hn::GetLane(hn::SumOfLanes(FloatTag(), v)); }

}  // namespace HWY_NAMESPACE
}  // namespace seqbench
HWY_AFTER_NAMESPACE();

#endif

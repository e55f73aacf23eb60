#include "kernels/taylor.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/taylor.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "kernels/tile_gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace seqbench {
namespace HWY_NAMESPACE {
namespace {

// y = factor x
HWY_INLINE void scaled(std::int64_t n, float factor, const float* x, float* y) {
  for_vectors(n, [&](std::int64_t i, auto part)
                     HWY_ATTR { part.store(hn::Mul(all(factor), part.load(x + i)), y + i); });
}

void Features(std::int64_t rows, std::int64_t dim, const float* x, float* y) {
  const auto first = static_cast<float>(taylor_first(dim));
  const auto second = static_cast<float>(taylor_second(dim));
  for (std::int64_t r = 0; r < rows; ++r, x += dim, y += taylor_size(dim)) {
    y[0] = 1;
    scaled(dim, first, x, y + 1);
    for (std::int64_t i = 0; i < dim; ++i) scaled(dim, second * x[i], x, y + 1 + dim + i * dim);
  }
}

void FeaturesBackward(std::int64_t rows, std::int64_t dim, const float* x, const float* dy, float* dx) {
  const auto first = static_cast<float>(taylor_first(dim));
  const auto second = static_cast<float>(taylor_second(dim));
  for (std::int64_t r = 0; r < rows; ++r, x += dim, dy += taylor_size(dim), dx += dim) {
    add_scaled(dim, first, dy + 1, dx);
    for (std::int64_t i = 0; i < dim; ++i) {
      const float* products = dy + 1 + dim + i * dim;
      add_scaled(dim, second * x[i], products, dx);
      dx[i] += second * dot(dim, products, x);
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
HWY_EXPORT(Features);
HWY_EXPORT(FeaturesBackward);
}  // namespace

void taylor(std::int64_t rows, std::int64_t dim, const float* x, float* y) {
  HWY_DYNAMIC_DISPATCH(Features)(rows, dim, x, y);
}

void taylor_backward(std::int64_t rows, std::int64_t dim, const float* x, const float* dy, float* dx) {
  HWY_DYNAMIC_DISPATCH(FeaturesBackward)(rows, dim, x, dy, dx);
}

}  // namespace seqbench::kernels
#endif

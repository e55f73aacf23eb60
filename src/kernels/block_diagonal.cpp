#include "kernels/block_diagonal.h"

#include <vector>

#include "kernels/flops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/block_diagonal.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "kernels/tile_gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace seqbench {
namespace HWY_NAMESPACE {
namespace {

void BlockForward(const BlockShape& s, const float* x, const float* w, float* y) {
  const std::int64_t x_row = s.blocks * s.in;
  const std::int64_t y_row = s.blocks * s.out;
  for (std::int64_t g = 0; g < s.blocks; ++g) {
    tile_gemm<false>(s.rows, s.out, s.in, {x + g * s.in, x_row, 1}, w + g * s.in * s.out, s.out,
                     y + g * s.out, y_row);
  }
}

void BlockBackward(const BlockShape& s, const float* x, const float* w, const float* dy, float* dx,
                   float* dw) {
  const std::int64_t x_row = s.blocks * s.in;
  const std::int64_t y_row = s.blocks * s.out;
  std::vector<float> w_t(static_cast<std::size_t>(s.in * s.out));
  for (std::int64_t g = 0; g < s.blocks; ++g) {
    transpose(s.in, s.out, w + g * s.in * s.out, s.out, w_t.data(), s.in);
    tile_gemm<true>(s.rows, s.in, s.out, {dy + g * s.out, y_row, 1}, w_t.data(), s.in, dx + g * s.in, x_row);
    tile_gemm<true>(s.in, s.out, s.rows, {x + g * s.in, 1, x_row}, dy + g * s.out, y_row,
                    dw + g * s.in * s.out, s.out);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace seqbench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace seqbench::kernels {
namespace {
HWY_EXPORT(BlockForward);
HWY_EXPORT(BlockBackward);

double product_flops(const BlockShape& s) {
  return 2.0 * static_cast<double>(s.rows * s.blocks) * static_cast<double>(s.in * s.out);
}
}  // namespace

void block_diagonal(const BlockShape& shape, const float* x, const float* w, float* y) {
  flops::add(product_flops(shape));
  HWY_DYNAMIC_DISPATCH(BlockForward)(shape, x, w, y);
}

void block_diagonal_backward(const BlockShape& shape, const float* x, const float* w, const float* dy,
                             float* dx, float* dw) {
  flops::add(2 * product_flops(shape));
  HWY_DYNAMIC_DISPATCH(BlockBackward)(shape, x, w, dy, dx, dw);
}

}  // namespace seqbench::kernels
#endif

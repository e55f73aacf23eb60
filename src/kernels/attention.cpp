#include "kernels/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/flops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "kernels/tile_gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace seqbench {
namespace HWY_NAMESPACE {

using kernels::kKeyTile;
using kernels::kQueryTile;
using kernels::padded_keys;

// One head of one sequence.
struct Head {
  const float* q;
  const float* k;
  const float* v;
  std::int64_t q_row;
  std::int64_t kv_row;
  std::int64_t dim;
  std::int64_t queries;
  std::int64_t keys;
  float scale;

  // How many of the keys from `first` on query i sees.
  std::int64_t visible(std::int64_t i, std::int64_t first) const { return i + keys - queries + 1 - first; }
  // How many keys the last of `count` queries from `first` on sees: where its tiles end.
  std::int64_t end_of(std::int64_t first, std::int64_t count) const { return first + count + keys - queries; }
};

Head head_of(const AttentionShape& s, const float* q, const float* k, const float* v, std::int64_t b,
             std::int64_t h) {
  const std::int64_t column = h * s.head_dim;
  return {q + b * s.queries * s.width() + column,
          k + b * s.kv_batch + column,
          v + b * s.kv_batch + column,
          s.width(),
          s.kv_row,
          s.head_dim,
          s.queries,
          s.keys,
          static_cast<float>(s.scale)};
}

// max(top, values[0 .. n))
float top_of(std::int64_t n, const float* values, float top) {
  const FloatTag d;
  FloatVec most = all(top);
  std::int64_t j = 0;
  for (; j + lanes() <= n; j += lanes()) most = hn::Max(most, hn::LoadU(d, values + j));
  float result = hn::GetLane(hn::MaxOfLanes(d, most));
  for (; j < n; ++j) result = std::max(result, values[j]);
  return result;
}

// p = exp(scale * s - offset) for the first `visible` of `row` numbers (a multiple of the lanes), 0 after.
// Returns the sum.
float weigh(std::int64_t row, std::int64_t visible, float scale, float offset, const float* s, float* p) {
  const FloatTag d;
  const FloatVec factor = all(scale);
  const FloatVec minus = all(-offset);
  FloatVec sum = all(0);
  for (std::int64_t j = 0; j < row; j += lanes()) {
    const auto seen =
        hn::FirstN(d, static_cast<std::size_t>(std::clamp<std::int64_t>(visible - j, 0, lanes())));
    const FloatVec weight =
        hn::IfThenElseZero(seen, bounded_exp(hn::MulAdd(hn::LoadU(d, s + j), factor, minus)));
    sum = hn::Add(sum, weight);
    hn::StoreU(weight, d, p + j);
  }
  return sum_lanes_of(sum);
}

void scale_row(std::int64_t n, float factor, float* row) {
  for (std::int64_t c = 0; c < n; ++c) row[c] *= factor;
}

// The running softmax of one query tile: the largest score and the sum of weights of each row so far.
struct Running {
  float top[kQueryTile];
  float sum[kQueryTile];
};

void forward_tile(const Head& head, const float* k_t, std::int64_t first, std::int64_t count, float* scores,
                  float* o, float* lse) {
  Running running;
  std::fill_n(running.top, kQueryTile, -std::numeric_limits<float>::infinity());
  std::fill_n(running.sum, kQueryTile, 0.0F);
  const std::int64_t end = head.end_of(first, count);
  for (std::int64_t k0 = 0; k0 < end; k0 += kKeyTile) {
    const std::int64_t keys = std::min(kKeyTile, end - k0);
    const std::int64_t row = padded_keys(keys);
    tile_gemm<false>(count, row, head.dim, {head.q + first * head.q_row, head.q_row, 1}, k_t + k0,
                     padded_keys(head.keys), scores, kKeyTile);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t visible = std::min(keys, head.visible(first + i, k0));
      float* s = scores + i * kKeyTile;
      if (visible <= 0) {
        std::fill_n(s, row, 0.0F);
        continue;
      }
      const float top =
          std::max(running.top[i], head.scale * top_of(visible, s, -std::numeric_limits<float>::infinity()));
      const float factor = std::exp(running.top[i] - top);
      running.top[i] = top;
      running.sum[i] = running.sum[i] * factor + weigh(row, visible, head.scale, top, s, s);
      if (k0 > 0) scale_row(head.dim, factor, o + i * head.q_row);
    }
    const float* v = head.v + k0 * head.kv_row;
    if (k0 == 0) {
      tile_gemm<false>(count, head.dim, keys, {scores, kKeyTile, 1}, v, head.kv_row, o, head.q_row);
    } else {
      tile_gemm<true>(count, head.dim, keys, {scores, kKeyTile, 1}, v, head.kv_row, o, head.q_row);
    }
  }
  for (std::int64_t i = 0; i < count; ++i) {
    scale_row(head.dim, 1.0F / running.sum[i], o + i * head.q_row);
    lse[i] = running.top[i] + std::log(running.sum[i]);
  }
}

// The columns after `keys` of a transposed K or V are read by whole vectors and must be numbers.
void transpose_padded(const Head& head, const float* from, float* to) {
  const std::int64_t row = padded_keys(head.keys);
  transpose(head.keys, head.dim, from, head.kv_row, to, row);
  for (std::int64_t c = 0; c < head.dim; ++c) std::fill(to + c * row + head.keys, to + (c + 1) * row, 0.0F);
}

void Forward(const AttentionShape& shape, const float* q, const float* k, const float* v, float* o,
             float* lse, float* scratch) {
  float* k_t = scratch;
  float* scores = k_t + shape.head_dim * padded_keys(shape.keys);
  for (std::int64_t b = 0; b < shape.batch; ++b) {
    for (std::int64_t h = 0; h < shape.heads; ++h) {
      const Head head = head_of(shape, q, k, v, b, h);
      transpose_padded(head, head.k, k_t);
      float* head_o = o + (head.q - q);
      for (std::int64_t first = 0; first < shape.queries; first += kQueryTile) {
        const std::int64_t count = std::min(kQueryTile, shape.queries - first);
        forward_tile(head, k_t, first, count, scores, head_o + first * head.q_row,
                     lse + (b * shape.heads + h) * shape.queries + first);
      }
    }
  }
}

// ds = p (dp - delta) scale, in place of dp.
void score_gradient(std::int64_t row, float delta, float scale, const float* p, float* dp) {
  const FloatTag d;
  const FloatVec minus = all(delta);
  const FloatVec factor = all(scale);
  for (std::int64_t j = 0; j < row; j += lanes()) {
    const FloatVec centred = hn::Sub(hn::LoadU(d, dp + j), minus);
    hn::StoreU(hn::Mul(hn::Mul(hn::LoadU(d, p + j), factor), centred), d, dp + j);
  }
}

struct BackwardScratch {
  float* k_t;
  float* v_t;
  float* p;
  float* dp;
};

struct HeadGradients {
  const float* o;
  const float* lse;
  const float* d_o;
  float* dq;
  float* dk;
  float* dv;
};

void backward_tile(const Head& head, const BackwardScratch& scratch, const HeadGradients& g,
                   std::int64_t first, std::int64_t count) {
  const std::int64_t q_row = head.q_row;
  const std::int64_t end = head.end_of(first, count);
  const float* d_o = g.d_o + first * q_row;
  float delta[kQueryTile];
  for (std::int64_t i = 0; i < count; ++i)
    delta[i] = dot(head.dim, d_o + i * q_row, g.o + (first + i) * q_row);
  for (std::int64_t k0 = 0; k0 < end; k0 += kKeyTile) {
    const std::int64_t keys = std::min(kKeyTile, end - k0);
    const std::int64_t row = padded_keys(keys);
    const TileA q = {head.q + first * q_row, q_row, 1};
    tile_gemm<false>(count, row, head.dim, q, scratch.k_t + k0, padded_keys(head.keys), scratch.p, kKeyTile);
    tile_gemm<false>(count, row, head.dim, {d_o, q_row, 1}, scratch.v_t + k0, padded_keys(head.keys),
                     scratch.dp, kKeyTile);
    for (std::int64_t i = 0; i < count; ++i) {
      float* p = scratch.p + i * kKeyTile;
      const std::int64_t visible = std::clamp<std::int64_t>(head.visible(first + i, k0), 0, keys);
      weigh(row, visible, head.scale, g.lse[first + i], p, p);
      score_gradient(row, delta[i], head.scale, p, scratch.dp + i * kKeyTile);
    }
    const std::int64_t kv = k0 * head.kv_row;
    const TileA p_t = {scratch.p, 1, kKeyTile};
    const TileA ds_t = {scratch.dp, 1, kKeyTile};
    tile_gemm<true>(keys, head.dim, count, p_t, d_o, q_row, g.dv + kv, head.kv_row);
    tile_gemm<true>(keys, head.dim, count, ds_t, head.q + first * q_row, q_row, g.dk + kv, head.kv_row);
    tile_gemm<true>(count, head.dim, keys, {scratch.dp, kKeyTile, 1}, head.k + kv, head.kv_row,
                    g.dq + first * q_row, q_row);
  }
}

void Backward(const AttentionShape& shape, const float* q, const float* k, const float* v,
              const kernels::AttentionGradients<float>& g, float* memory) {
  const std::int64_t transposed = shape.head_dim * padded_keys(shape.keys);
  const BackwardScratch scratch = {memory, memory + transposed, memory + 2 * transposed,
                                   memory + 2 * transposed + kQueryTile * kKeyTile};
  for (std::int64_t b = 0; b < shape.batch; ++b) {
    for (std::int64_t h = 0; h < shape.heads; ++h) {
      const Head head = head_of(shape, q, k, v, b, h);
      transpose_padded(head, head.k, scratch.k_t);
      transpose_padded(head, head.v, scratch.v_t);
      const std::int64_t at_q = head.q - q;
      const std::int64_t at_kv = head.k - k;
      const HeadGradients head_gradients = {g.o + at_q,   g.lse + (b * shape.heads + h) * shape.queries,
                                            g.d_o + at_q, g.dq + at_q,
                                            g.dk + at_kv, g.dv + at_kv};
      for (std::int64_t first = 0; first < shape.queries; first += kQueryTile) {
        backward_tile(head, scratch, head_gradients, first, std::min(kQueryTile, shape.queries - first));
      }
    }
  }
}

void Step(const AttentionShape& shape, const float* q, const float* k, const float* v, float* o,
          float* scores) {
  for (std::int64_t b = 0; b < shape.batch; ++b) {
    for (std::int64_t h = 0; h < shape.heads; ++h) {
      const Head head = head_of(shape, q, k, v, b, h);
      float* head_o = o + (head.q - q);
      for (std::int64_t j = 0; j < head.keys; ++j)
        scores[j] = dot(head.dim, head.q, head.k + j * head.kv_row);
      const float top = head.scale * top_of(head.keys, scores, -std::numeric_limits<float>::infinity());
      const float sum = weigh(padded_keys(head.keys), head.keys, head.scale, top, scores, scores);
      std::fill_n(head_o, head.dim, 0.0F);
      for (std::int64_t j = 0; j < head.keys; ++j) {
        add_scaled(head.dim, scores[j] / sum, head.v + j * head.kv_row, head_o);
      }
    }
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
HWY_EXPORT(Step);

// Of one product of a query with a key, or of a weight with a value, over all pairs in tiles that are not
// skipped.
double product_flops(const AttentionShape& s) {
  double pairs = 0;
  for (std::int64_t first = 0; first < s.queries; first += kQueryTile) {
    const std::int64_t count = std::min(kQueryTile, s.queries - first);
    pairs += static_cast<double>(count * (first + count + s.keys - s.queries));
  }
  return 2.0 * pairs * static_cast<double>(s.batch * s.width());
}

}  // namespace

std::int64_t attention_scratch(const AttentionShape& shape) {
  return 2 * shape.head_dim * padded_keys(shape.keys) + 2 * kQueryTile * kKeyTile;
}

void attention(const AttentionShape& shape, const float* q, const float* k, const float* v, float* o,
               float* lse, float* scratch) {
  flops::add(2 * product_flops(shape));
  HWY_DYNAMIC_DISPATCH(Forward)(shape, q, k, v, o, lse, scratch);
}

void attention(const AttentionShape& shape, const double* q, const double* k, const double* v, double* o,
               double* lse, double* /*scratch*/) {
  naive::Attention<double>(shape, q, k, v).forward(o, lse);
}

void attention_backward(const AttentionShape& shape, const float* q, const float* k, const float* v,
                        const AttentionGradients<float>& gradients, float* scratch) {
  flops::add(5 * product_flops(shape));
  HWY_DYNAMIC_DISPATCH(Backward)(shape, q, k, v, gradients, scratch);
}

void attention_backward(const AttentionShape& shape, const double* q, const double* k, const double* v,
                        const AttentionGradients<double>& g, double* /*scratch*/) {
  naive::Attention<double>(shape, q, k, v).backward(g.o, g.lse, g.d_o, g.dq, g.dk, g.dv);
}

void attention_step(const AttentionShape& shape, const float* q, const float* k, const float* v, float* o,
                    float* scratch) {
  flops::add(2 * product_flops(shape));
  HWY_DYNAMIC_DISPATCH(Step)(shape, q, k, v, o, scratch);
}

void attention_step(const AttentionShape& shape, const double* q, const double* k, const double* v, double* o,
                    double* scratch) {
  naive::Attention<double>(shape, q, k, v).forward(o, scratch);
}

}  // namespace seqbench::kernels
#endif

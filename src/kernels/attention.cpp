#include "kernels/attention.h"

#include <algorithm>
#include <array>
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
namespace {

using kernels::key_runs;
using kernels::KeyRun;
using kernels::kKeyTile;
using kernels::kQueryTile;
using kernels::padded_keys;
using kernels::transposed_row;

// One head of one sequence, and the head of keys and values that it reads.
struct Head {
  const AttentionShape& shape;
  const float* q;
  const float* q_sinks;  // the same as q where sinks are read by no others
  const float* k;
  const float* v;
  std::int64_t q_row;
  std::int64_t kv_row;
  std::int64_t dim;
  float scale;
  float slope;  // of ALiBi in units of q.k; 0 without
  bool softmax;
};

Head head_of(const AttentionShape& s, const AttentionInputs<float>& in, std::int64_t b, std::int64_t h) {
  const std::int64_t at_q = b * s.queries * s.width() + h * s.head_dim;
  const std::int64_t at_kv = b * s.kv_batch + h * s.rule.kv_heads / s.rule.heads * s.head_dim;
  const double slope = s.rule.alibi ? alibi_slope(h, s.rule.heads) / s.scale : 0;
  return {s,
          in.q + at_q,
          (in.q_sinks == nullptr ? in.q : in.q_sinks) + at_q,
          in.k + at_kv,
          in.v + at_kv,
          s.width(),
          s.kv_row,
          s.head_dim,
          static_cast<float>(s.scale),
          static_cast<float>(slope),
          s.rule.weighting == Weighting::softmax};
}

// `count` queries from `first` on, and `keys` keys from `k0` on.
struct Tile {
  std::int64_t first;
  std::int64_t count;
  bool sinks;
  std::int64_t k0;
  std::int64_t keys;
};

// The keys of a tile, counted from its first, that one query sees.
struct Seen {
  std::int64_t low;
  std::int64_t high;
  bool none() const { return low >= high; }
};

Seen seen_by(const AttentionShape& s, const Tile& tile, std::int64_t i) {
  const std::int64_t high = std::clamp<std::int64_t>(s.row_of(i) + 1 - tile.k0, 0, tile.keys);
  const std::int64_t low = tile.sinks ? 0 : s.window_begin(i) - tile.k0;
  return {std::clamp<std::int64_t>(low, 0, high), high};
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

// p = f(scale * p - offset) for the first `visible` of `row` numbers (a multiple of the lanes), 0 after, with
// f exp or sigmoid. Returns the sum.
template <bool kSoftmax>
float weigh_as(std::int64_t row, std::int64_t visible, float scale, float offset, float* p) {
  const FloatTag d;
  const FloatVec factor = all(kSoftmax ? scale : -scale);
  const FloatVec shift = all(kSoftmax ? -offset : offset);
  FloatVec sum = all(0);
  for (std::int64_t j = 0; j < row; j += lanes()) {
    const auto seen =
        hn::FirstN(d, static_cast<std::size_t>(std::clamp<std::int64_t>(visible - j, 0, lanes())));
    const FloatVec score = hn::MulAdd(hn::LoadU(d, p + j), factor, shift);
    const FloatVec weight =
        hn::IfThenElseZero(seen, kSoftmax ? bounded_exp(score, 0) : sigmoid_of_minus(score));
    sum = hn::Add(sum, weight);
    hn::StoreU(weight, d, p + j);
  }
  return sum_lanes_of(sum);
}

// A row of scores to weights, for the numbers that are seen; 0 around them.
float weigh(const Head& head, std::int64_t row, const Seen& seen, float offset, float* p) {
  // What lies before a window adds exp(-87) each to a sum of at least 1, which does not notice.
  if (seen.low > 0) std::fill_n(p, seen.low, std::numeric_limits<float>::lowest());
  const float sum = head.softmax ? weigh_as<true>(row, seen.high, head.scale, offset, p)
                                 : weigh_as<false>(row, seen.high, head.scale, offset, p);
  if (seen.low > 0) std::fill_n(p, seen.low, 0.0F);
  return sum;
}

// scores[j] += slope (j - distance): what ALiBi adds for keys of which the first is `distance` tokens back.
void add_alibi(std::int64_t n, float slope, std::int64_t distance, float* scores) {
  for_vectors(n, [&](std::int64_t j, auto part) HWY_ATTR {
    const FloatVec away = hn::Iota(FloatTag(), static_cast<float>(j - distance));
    part.store(hn::MulAdd(all(slope), away, part.load(scores + j)), scores + j);
  });
}

// q.k and ALiBi of a tile, in units of q.k.
void scores_of(const Head& head, const Tile& tile, const float* k_t, float* scores) {
  const std::int64_t row = padded_keys(tile.keys);
  const float* q = (tile.sinks ? head.q_sinks : head.q) + tile.first * head.q_row;
  tile_gemm<false>(tile.count, row, head.dim, {q, head.q_row, 1}, k_t + tile.k0, transposed_row(head.shape),
                   scores, kKeyTile);
  if (head.slope == 0) return;
  for (std::int64_t i = 0; i < tile.count; ++i) {
    const std::int64_t distance = head.shape.position(tile.first + i, tile.sinks) - tile.k0;
    add_alibi(row, head.slope, distance, scores + i * kKeyTile);
  }
}

// The running softmax of one query tile: the largest score and the sum of weights of each row so far.
struct Running {
  float top[kQueryTile];
  float sum[kQueryTile];
};

// Turns the scores of a tile into weights, and scales what o holds of the tiles before to them.
void weigh_tile(const Head& head, const Tile& tile, bool first_tile, Running& running, float* scores,
                float* o) {
  const std::int64_t row = padded_keys(tile.keys);
  for (std::int64_t i = 0; i < tile.count; ++i) {
    const Seen seen = seen_by(head.shape, tile, tile.first + i);
    float* s = scores + i * kKeyTile;
    if (seen.none()) {
      std::fill_n(s, row, 0.0F);
    } else if (!head.softmax) {
      weigh(head, row, seen, static_cast<float>(-head.shape.rule.bias), s);
    } else {
      const float most = top_of(seen.high - seen.low, s + seen.low, -std::numeric_limits<float>::infinity());
      const float top = std::max(running.top[i], head.scale * most);
      const float factor = std::exp(running.top[i] - top);
      running.top[i] = top;
      running.sum[i] = running.sum[i] * factor + weigh(head, row, seen, top, s);
      if (!first_tile) scale(head.dim, factor, o + i * head.q_row);
    }
  }
}

void forward_tile(const Head& head, const float* k_t, std::int64_t first, std::int64_t count, float* scores,
                  float* o, float* lse) {
  Running running;
  std::fill_n(running.top, kQueryTile, -std::numeric_limits<float>::infinity());
  std::fill_n(running.sum, kQueryTile, 0.0F);
  bool first_tile = true;
  for (const KeyRun& run : key_runs(head.shape, first, count)) {
    for (std::int64_t k0 = run.begin; k0 < run.end; k0 += kKeyTile) {
      const Tile tile = {first, count, run.sinks, k0, std::min(kKeyTile, run.end - k0)};
      scores_of(head, tile, k_t, scores);
      weigh_tile(head, tile, first_tile, running, scores, o);
      const TileA p = {scores, kKeyTile, 1};
      const float* v = head.v + k0 * head.kv_row;
      if (first_tile) {
        tile_gemm<false>(count, head.dim, tile.keys, p, v, head.kv_row, o, head.q_row);
      } else {
        tile_gemm<true>(count, head.dim, tile.keys, p, v, head.kv_row, o, head.q_row);
      }
      first_tile = false;
    }
  }
  if (!head.softmax) return;
  for (std::int64_t i = 0; i < count; ++i) {
    scale(head.dim, 1.0F / running.sum[i], o + i * head.q_row);
    lse[i] = running.top[i] + std::log(running.sum[i]);
  }
}

// The columns after `keys` of a transposed K or V are read by whole vectors and must be numbers.
void transpose_padded(const Head& head, const float* from, float* to) {
  const std::int64_t keys = head.shape.keys;
  const std::int64_t row = transposed_row(head.shape);
  transpose(keys, head.dim, from, head.kv_row, to, row);
  for (std::int64_t c = 0; c < head.dim; ++c) std::fill(to + c * row + keys, to + (c + 1) * row, 0.0F);
}

// f(b, h, count): in sequence b, the `count` heads from h on read the same keys and values.
template <class F>
void for_each_group(const AttentionShape& s, const F& f) {
  const std::int64_t count = s.rule.heads / s.rule.kv_heads;
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for (std::int64_t h = 0; h < s.rule.heads; h += count) f(b, h, count);
  }
}

void Forward(const AttentionShape& shape, const AttentionInputs<float>& in, float* o, float* lse,
             float* scratch) {
  float* k_t = scratch;
  float* scores = k_t + shape.head_dim * transposed_row(shape);
  for_each_group(shape, [&](std::int64_t b, std::int64_t begin, std::int64_t group) {
    const Head readers = head_of(shape, in, b, begin);
    transpose_padded(readers, readers.k, k_t);
    for (std::int64_t h = begin; h < begin + group; ++h) {
      const Head head = head_of(shape, in, b, h);
      float* head_o = o + (head.q - in.q);
      for (std::int64_t first = 0; first < shape.queries; first += kQueryTile) {
        forward_tile(head, k_t, first, std::min(kQueryTile, shape.queries - first), scores,
                     head_o + first * head.q_row, lse + (b * shape.rule.heads + h) * shape.queries + first);
      }
    }
  });
}

// ds = p (dp - delta) scale of softmax, p (1 - p) dp scale of sigmoid, in place of dp.
template <bool kSoftmax>
void score_gradient(std::int64_t row, float delta, float scale, const float* p, float* dp) {
  const FloatTag d;
  const FloatVec minus = all(delta);
  const FloatVec factor = all(scale);
  for (std::int64_t j = 0; j < row; j += lanes()) {
    const FloatVec weight = hn::LoadU(d, p + j);
    const FloatVec d_weight = hn::LoadU(d, dp + j);
    const FloatVec slope = kSoftmax ? hn::Sub(d_weight, minus) : hn::NegMulAdd(weight, d_weight, d_weight);
    hn::StoreU(hn::Mul(hn::Mul(weight, factor), slope), d, dp + j);
  }
}

struct BackwardScratch {
  float* k_t;
  float* v_t;
  float* p;
  float* dp;
};

// Where one head's part of everything begins.
struct HeadGradients {
  const float* o;
  const float* lse;
  const float* d_o;
  float* dq;
  float* dk;
  float* dv;
  float* dq_sinks;
};

// The weights of a tile again, from its scores, and the gradient of its scores from that of its weights.
void score_gradients(const Head& head, const Tile& tile, const float* lse, const float* delta, float* p,
                     float* dp) {
  const std::int64_t row = padded_keys(tile.keys);
  for (std::int64_t i = 0; i < tile.count; ++i, p += kKeyTile, dp += kKeyTile) {
    const Seen seen = seen_by(head.shape, tile, tile.first + i);
    if (head.softmax) {
      weigh(head, row, seen, lse[tile.first + i], p);
      score_gradient<true>(row, delta[i], head.scale, p, dp);
    } else {
      weigh(head, row, seen, static_cast<float>(-head.shape.rule.bias), p);
      score_gradient<false>(row, 0, head.scale, p, dp);
    }
  }
}

void backward_tile(const Head& head, const BackwardScratch& scratch, const HeadGradients& g, const Tile& tile,
                   const float* delta) {
  const std::int64_t q_row = head.q_row;
  const std::int64_t at = tile.first * q_row;
  const std::int64_t kv = tile.k0 * head.kv_row;
  scores_of(head, tile, scratch.k_t, scratch.p);
  tile_gemm<false>(tile.count, padded_keys(tile.keys), head.dim, {g.d_o + at, q_row, 1},
                   scratch.v_t + tile.k0, transposed_row(head.shape), scratch.dp, kKeyTile);
  score_gradients(head, tile, g.lse, delta, scratch.p, scratch.dp);
  const TileA p_t = {scratch.p, 1, kKeyTile};
  const TileA ds_t = {scratch.dp, 1, kKeyTile};
  const float* q = (tile.sinks ? head.q_sinks : head.q) + at;
  float* dq = (tile.sinks ? g.dq_sinks : g.dq) + at;
  tile_gemm<true>(tile.keys, head.dim, tile.count, p_t, g.d_o + at, q_row, g.dv + kv, head.kv_row);
  tile_gemm<true>(tile.keys, head.dim, tile.count, ds_t, q, q_row, g.dk + kv, head.kv_row);
  tile_gemm<true>(tile.count, head.dim, tile.keys, {scratch.dp, kKeyTile, 1}, head.k + kv, head.kv_row, dq,
                  q_row);
}

void backward_queries(const Head& head, const BackwardScratch& scratch, const HeadGradients& g,
                      std::int64_t first, std::int64_t count) {
  float delta[kQueryTile];
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t at = (first + i) * head.q_row;
    delta[i] = dot(head.dim, g.d_o + at, g.o + at);
  }
  for (const KeyRun& run : key_runs(head.shape, first, count)) {
    for (std::int64_t k0 = run.begin; k0 < run.end; k0 += kKeyTile) {
      backward_tile(head, scratch, g, {first, count, run.sinks, k0, std::min(kKeyTile, run.end - k0)}, delta);
    }
  }
}

void Backward(const AttentionShape& shape, const AttentionInputs<float>& in,
              const AttentionGradients<float>& g, float* memory) {
  const std::int64_t transposed = shape.head_dim * transposed_row(shape);
  const BackwardScratch scratch = {memory, memory + transposed, memory + 2 * transposed,
                                   memory + 2 * transposed + kQueryTile * kKeyTile};
  float* dq_sinks = in.q_sinks == nullptr ? g.dq : g.dq_sinks;
  for_each_group(shape, [&](std::int64_t b, std::int64_t begin, std::int64_t group) {
    const Head readers = head_of(shape, in, b, begin);
    transpose_padded(readers, readers.k, scratch.k_t);
    transpose_padded(readers, readers.v, scratch.v_t);
    for (std::int64_t h = begin; h < begin + group; ++h) {
      const Head head = head_of(shape, in, b, h);
      const std::int64_t at_q = head.q - in.q;
      const std::int64_t at_kv = head.k - in.k;
      const HeadGradients head_gradients = {
          g.o + at_q,     g.lse + (b * shape.rule.heads + h) * shape.queries,
          g.d_o + at_q,   g.dq + at_q,
          g.dk + at_kv,   g.dv + at_kv,
          dq_sinks + at_q};
      for (std::int64_t first = 0; first < shape.queries; first += kQueryTile) {
        backward_queries(head, scratch, head_gradients, first, std::min(kQueryTile, shape.queries - first));
      }
    }
  });
}

// The two runs of keys that the query of a step sees, whose scores stand one after the other.
using StepKeys = std::array<KeyRun, 2>;

// Scores of all `count` keys to weights.
void weigh_step(const Head& head, const StepKeys& seen, std::int64_t count, float* scores) {
  if (head.slope != 0) {
    float* s = scores;
    for (const KeyRun& run : seen) {
      add_alibi(run.end - run.begin, head.slope, head.shape.position(0, run.sinks) - run.begin, s);
      s += run.end - run.begin;
    }
  }
  const std::int64_t row = padded_keys(count);
  if (!head.softmax) {
    weigh(head, row, {0, count}, static_cast<float>(-head.shape.rule.bias), scores);
    return;
  }
  const float top = head.scale * top_of(count, scores, -std::numeric_limits<float>::infinity());
  scale(count, 1.0F / weigh(head, row, {0, count}, top, scores), scores);
}

// The heads begin .. begin + group of sequence b, which read the same keys and values.
void step_group(const AttentionShape& shape, const AttentionInputs<float>& in, std::int64_t b,
                std::int64_t begin, std::int64_t group, float* o, float* scores) {
  const StepKeys seen = key_runs(shape, 0, 1);
  const std::int64_t row = padded_keys(shape.keys);
  const Head head = head_of(shape, in, b, begin);
  std::int64_t count = 0;
  for (const KeyRun& run : seen) {
    const float* q = run.sinks ? head.q_sinks : head.q;
    for (std::int64_t j = run.begin; j < run.end; ++j, ++count) {
      const float* k = head.k + j * head.kv_row;
      for (std::int64_t h = 0; h < group; ++h) scores[h * row + count] = dot(head.dim, q + h * head.dim, k);
    }
  }
  for (std::int64_t h = 0; h < group; ++h) {
    weigh_step(head_of(shape, in, b, begin + h), seen, count, scores + h * row);
  }
  float* group_o = o + (head.q - in.q);
  std::fill_n(group_o, group * head.dim, 0.0F);
  const float* weights = scores;
  for (const KeyRun& run : seen) {
    for (std::int64_t j = run.begin; j < run.end; ++j, ++weights) {
      const float* v = head.v + j * head.kv_row;
      for (std::int64_t h = 0; h < group; ++h)
        add_scaled(head.dim, weights[h * row], v, group_o + h * head.dim);
    }
  }
}

void Step(const AttentionShape& shape, const AttentionInputs<float>& in, float* o, float* scores) {
  for_each_group(shape, [&](std::int64_t b, std::int64_t begin, std::int64_t group) {
    step_group(shape, in, b, begin, group, o, scores);
  });
}

}  // namespace
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
    for (const KeyRun& run : key_runs(s, first, count)) {
      pairs += static_cast<double>(count * (run.end - run.begin));
    }
  }
  return 2.0 * pairs * static_cast<double>(s.batch * s.width());
}

}  // namespace

std::int64_t attention_scratch(const AttentionShape& s) {
  const std::int64_t tiles = 2 * s.head_dim * transposed_row(s) + 2 * kQueryTile * kKeyTile;
  const std::int64_t step_scores = s.rule.heads / s.rule.kv_heads * padded_keys(s.keys);
  return std::max(tiles, step_scores);
}

void attention(const AttentionShape& shape, const AttentionInputs<float>& in, float* o, float* lse,
               float* scratch) {
  flops::add(2 * product_flops(shape));
  HWY_DYNAMIC_DISPATCH(Forward)(shape, in, o, lse, scratch);
}

void attention(const AttentionShape& shape, const AttentionInputs<double>& in, double* o, double* lse,
               double* /*scratch*/) {
  naive::Attention<double>(shape, in).forward(o, lse);
}

void attention_backward(const AttentionShape& shape, const AttentionInputs<float>& in,
                        const AttentionGradients<float>& gradients, float* scratch) {
  flops::add(5 * product_flops(shape));
  HWY_DYNAMIC_DISPATCH(Backward)(shape, in, gradients, scratch);
}

void attention_backward(const AttentionShape& shape, const AttentionInputs<double>& in,
                        const AttentionGradients<double>& gradients, double* /*scratch*/) {
  naive::Attention<double>(shape, in).backward(gradients);
}

void attention_step(const AttentionShape& shape, const AttentionInputs<float>& in, float* o, float* scratch) {
  flops::add(2 * product_flops(shape));
  HWY_DYNAMIC_DISPATCH(Step)(shape, in, o, scratch);
}

void attention_step(const AttentionShape& shape, const AttentionInputs<double>& in, double* o,
                    double* /*scratch*/) {
  naive::Attention<double>(shape, in).forward(o, nullptr);
}

}  // namespace seqbench::kernels
#endif

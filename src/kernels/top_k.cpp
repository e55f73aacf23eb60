#include "kernels/top_k.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/flops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/top_k.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "kernels/tile_gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace seqbench {
namespace HWY_NAMESPACE {
namespace {  // other kernels use the same names

using kernels::kTopKKeys;
using kernels::kTopKQueries;
using kernels::TopKGradients;
using kernels::TopKKept;

// The k largest of the scores of one query, which come in the order of their keys.
class Best {
 public:
  explicit Best(std::int64_t k) : k_(static_cast<std::size_t>(k)) {}

  void clear() {
    found_.clear();
    least_ = -std::numeric_limits<float>::infinity();
  }

  // Takes the scores of keys first .. first + count - 1. Those below the k-th largest so far, nearly all of a
  // long row, cost a comparison by the vector.
  void offer(const float* scores, std::int64_t first, std::int64_t count) {
    const FloatTag d;
    for (std::int64_t j = 0; j < count; j += lanes()) {
      const auto there = hn::FirstN(d, static_cast<std::size_t>(std::min(count - j, lanes())));
      const FloatVec score = hn::MaskedLoad(there, d, scores + j);
      if (hn::AllTrue(d, hn::Or(hn::Lt(score, all(least_)), hn::Not(there)))) continue;
      for (std::int64_t l = j; l < std::min(j + lanes(), count); ++l) add(scores[l], first + l);
      if (found_.size() >= 2 * k_) prune();
    }
  }

  struct Found {
    float score;
    std::int32_t key;
  };
  const std::vector<Found>& finish() {
    prune();
    return found_;
  }

 private:
  // A score that is not a number counts as the largest, so that it is not lost, and can be compared.
  void add(float score, std::int64_t key) {
    if (score < least_) return;
    found_.push_back(
        {std::isnan(score) ? std::numeric_limits<float>::infinity() : score, static_cast<std::int32_t>(key)});
  }
  void prune() {
    if (found_.size() <= k_) return;
    const auto last = found_.begin() + static_cast<std::ptrdiff_t>(k_ - 1);
    std::nth_element(found_.begin(), last, found_.end(), [](const Found& a, const Found& b) {
      return a.score > b.score || (a.score == b.score && a.key > b.key);
    });
    least_ = last->score;
    found_.resize(k_);
  }

  std::size_t k_;
  float least_ = -std::numeric_limits<float>::infinity();
  std::vector<Found> found_;
};

// One head of one sequence.
struct Head {
  const TopKShape& s;
  const float* q;
  const float* k;
  const float* v;
  const float* k_t;  // [head_dim, whole tiles of keys]
};

std::int64_t whole_tiles(std::int64_t keys) { return (keys + kTopKKeys - 1) / kTopKKeys * kTopKKeys; }

// q.k of `count` queries from `first` on and the keys of one tile: [count, kTopKKeys].
void score_tile(const Head& head, std::int64_t first, std::int64_t count, std::int64_t key, float* scores) {
  const TopKShape& s = head.s;
  const float* const q = head.q + first * s.width();
  if (s.queries > 1) {
    tile_gemm<false>(count, kTopKKeys, s.head_dim, {q, s.width(), 1}, head.k_t + key, whole_tiles(s.keys),
                     scores, kTopKKeys);
    return;
  }
  for (std::int64_t j = key; j < std::min(key + kTopKKeys, s.keys); ++j)
    scores[j - key] = dot(s.head_dim, q, head.k + j * s.kv_row);
}

// The softmax of what was found, and the values it weighs.
void attend(const Head& head, const std::vector<Best::Found>& found, std::int32_t* keys, float* weights,
            float* o) {
  const TopKShape& s = head.s;
  float top = -std::numeric_limits<float>::infinity();
  for (const Best::Found& one : found) top = std::max(top, one.score);
  const auto count = static_cast<std::int64_t>(found.size());
  const auto scale = static_cast<float>(s.scale);
  for (std::int64_t n = 0; n < count; ++n) {
    keys[n] = found[static_cast<std::size_t>(n)].key;
    weights[n] = scale * (found[static_cast<std::size_t>(n)].score - top);
  }
  FloatVec sums = all(0);
  for_vectors(count, [&](std::int64_t n, auto part) HWY_ATTR {
    part.store(bounded_exp(part.load(weights + n)), weights + n);
    sums = hn::Add(sums, part.load(weights + n));
  });
  const float sum = sum_lanes_of(sums);
  std::fill_n(o, s.head_dim, 0.0F);
  for (std::int64_t n = 0; n < count; ++n) {
    weights[n] /= sum;
    add_scaled(s.head_dim, weights[n], head.v + keys[n] * s.kv_row, o);
  }
}

// Calls f(b, h) for every head of every sequence.
template <class F>
void for_each_head(const TopKShape& s, const F& f) {
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for (std::int64_t h = 0; h < s.heads; ++h) f(b, h);
  }
}

void Forward(const TopKShape& s, const float* q, const float* k, const float* v, float* o,
             const TopKKept<float>& kept, float* scratch) {
  float* const scores = scratch;
  float* const k_t = scores + kTopKQueries * kTopKKeys;
  const std::int64_t most = std::min(s.k, s.keys);
  std::vector<Best> best(static_cast<std::size_t>(kTopKQueries), Best(s.k));
  for_each_head(s, [&](std::int64_t b, std::int64_t h) {
    const std::int64_t kv = b * s.kv_batch + h * s.head_dim;
    const std::int64_t at = b * s.queries * s.width() + h * s.head_dim;
    const Head head = {s, q + at, k + kv, v + kv, k_t};
    if (s.queries > 1) {
      std::fill_n(k_t, s.head_dim * whole_tiles(s.keys), 0.0F);
      transpose(s.keys, s.head_dim, head.k, s.kv_row, k_t, whole_tiles(s.keys));
    }
    for (std::int64_t first = 0; first < s.queries; first += kTopKQueries) {
      const std::int64_t count = std::min(kTopKQueries, s.queries - first);
      for (Best& one : best) one.clear();
      for (std::int64_t key = 0; key < s.visible(first + count - 1); key += kTopKKeys) {
        score_tile(head, first, count, key, scores);
        for (std::int64_t i = 0; i < count; ++i) {
          const std::int64_t seen = std::min(kTopKKeys, s.visible(first + i) - key);
          if (seen > 0) best[static_cast<std::size_t>(i)].offer(scores + i * kTopKKeys, key, seen);
        }
      }
      for (std::int64_t i = 0; i < count; ++i) {
        const auto& found = best[static_cast<std::size_t>(i)].finish();
        const std::int64_t row = ((b * s.heads + h) * s.queries + first + i) * most;
        attend(head, found, kept.keys + row, kept.weights + row, o + at + (first + i) * s.width());
      }
    }
  });
}

void Backward(const TopKShape& s, const float* q, const float* k, const float* v, const TopKKept<float>& kept,
              const TopKGradients<float>& g) {
  const std::int64_t most = std::min(s.k, s.keys);
  std::vector<float> d_weight(static_cast<std::size_t>(most));
  for_each_head(s, [&](std::int64_t b, std::int64_t h) {
    for (std::int64_t i = 0; i < s.queries; ++i) {
      const std::int64_t row = ((b * s.heads + h) * s.queries + i) * most;
      const std::int64_t at = (b * s.queries + i) * s.width() + h * s.head_dim;
      const auto kv_at = [&](std::int64_t n) {
        return b * s.kv_batch + kept.keys[row + n] * s.kv_row + h * s.head_dim;
      };
      const std::int64_t count = std::min(most, s.visible(i));
      float delta = 0;
      for (std::int64_t n = 0; n < count; ++n) {
        d_weight[static_cast<std::size_t>(n)] = dot(s.head_dim, g.d_o + at, v + kv_at(n));
        delta += kept.weights[row + n] * d_weight[static_cast<std::size_t>(n)];
      }
      for (std::int64_t n = 0; n < count; ++n) {
        const float weight = kept.weights[row + n];
        const float d_score =
            weight * (d_weight[static_cast<std::size_t>(n)] - delta) * static_cast<float>(s.scale);
        add_scaled(s.head_dim, d_score, k + kv_at(n), g.dq + at);
        add_scaled(s.head_dim, d_score, q + at, g.dk + kv_at(n));
        add_scaled(s.head_dim, weight, g.d_o + at, g.dv + kv_at(n));
      }
    }
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

// Of one product for every query and kept key.
double kept_flops(const TopKShape& s) {
  double pairs = 0;
  for (std::int64_t i = 0; i < s.queries; ++i) pairs += static_cast<double>(std::min(s.k, s.visible(i)));
  return 2 * pairs * static_cast<double>(s.batch * s.width());
}

// Of one product for every query and key, in tiles that are not skipped.
double score_flops(const TopKShape& s) {
  double pairs = 0;
  for (std::int64_t first = 0; first < s.queries; first += kTopKQueries) {
    const std::int64_t count = std::min(kTopKQueries, s.queries - first);
    pairs += static_cast<double>(count * s.visible(first + count - 1));
  }
  return 2 * pairs * static_cast<double>(s.batch * s.width());
}

}  // namespace

std::int64_t top_k_scratch(const TopKShape& s) {
  const std::int64_t keys = (s.keys + kTopKKeys - 1) / kTopKKeys * kTopKKeys;
  return kTopKQueries * kTopKKeys + s.head_dim * keys;
}

void top_k(const TopKShape& shape, const float* q, const float* k, const float* v, float* o,
           const TopKKept<float>& kept, float* scratch) {
  flops::add(score_flops(shape) + kept_flops(shape));
  HWY_DYNAMIC_DISPATCH(Forward)(shape, q, k, v, o, kept, scratch);
}

void top_k(const TopKShape& shape, const double* q, const double* k, const double* v, double* o,
           const TopKKept<double>& /*kept*/, double* /*scratch*/) {
  naive::TopK<double>(shape, q, k, v).forward(o);
}

void top_k_backward(const TopKShape& shape, const float* q, const float* k, const float* v,
                    const TopKKept<float>& kept, const TopKGradients<float>& gradients) {
  flops::add(4 * kept_flops(shape));
  HWY_DYNAMIC_DISPATCH(Backward)(shape, q, k, v, kept, gradients);
}

void top_k_backward(const TopKShape& shape, const double* q, const double* k, const double* v,
                    const TopKKept<double>& /*kept*/, const TopKGradients<double>& g) {
  naive::TopK<double>(shape, q, k, v).backward(g.d_o, g.dq, g.dk, g.dv);
}

}  // namespace seqbench::kernels
#endif

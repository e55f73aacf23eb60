#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace seqbench {

// Query i sees keys 0 .. i + keys - queries: the queries are the last of the tokens whose keys are there.
// q, o: row (b, i) begins at (b * queries + i) * width; k, v: row (b, j) at b * kv_batch + j * kv_row. Head h
// has the columns h * head_dim .. of each. width = heads * head_dim. scale multiplies q.k. lse is [batch,
// heads, queries].
struct AttentionShape {
  std::int64_t batch = 0;
  std::int64_t heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t queries = 0;
  std::int64_t keys = 0;
  std::int64_t kv_batch = 0;
  std::int64_t kv_row = 0;
  double scale = 1;

  std::int64_t width() const { return heads * head_dim; }
};

namespace naive {

template <class T>
class Attention {
 public:
  Attention(const AttentionShape& shape, const T* q, const T* k, const T* v)
      : s_(shape), q_(q), k_(k), v_(v) {}

  void forward(T* o, T* lse) const {
    for_each_query([&](std::int64_t b, std::int64_t h, std::int64_t i) {
      const double log_sum = log_sum_exp(b, h, i);
      lse[(b * s_.heads + h) * s_.queries + i] = static_cast<T>(log_sum);
      for (std::int64_t c = 0; c < s_.head_dim; ++c) {
        double sum = 0;
        for (std::int64_t j = 0; j < visible(i); ++j) {
          sum += std::exp(score(b, h, i, j) - log_sum) * static_cast<double>(v_[kv(b, h, j) + c]);
        }
        o[qo(b, h, i) + c] = static_cast<T>(sum);
      }
    });
  }

  // Adds to dq, dk, dv. dA = dO V^T; dS = A (dA - dO.O); dQ = scale dS K; dK = scale dS^T Q; dV = A^T dO.
  void backward(const T* o, const T* lse, const T* d_o, T* dq, T* dk, T* dv) const {
    for_each_query([&](std::int64_t b, std::int64_t h, std::int64_t i) {
      const std::int64_t at = qo(b, h, i);
      const double log_sum = static_cast<double>(lse[(b * s_.heads + h) * s_.queries + i]);
      double delta = 0;
      for (std::int64_t c = 0; c < s_.head_dim; ++c) delta += times(d_o[at + c], o[at + c]);
      for (std::int64_t j = 0; j < visible(i); ++j) {
        const std::int64_t key = kv(b, h, j);
        const double weight = std::exp(score(b, h, i, j) - log_sum);
        double d_weight = 0;
        for (std::int64_t c = 0; c < s_.head_dim; ++c) d_weight += times(d_o[at + c], v_[key + c]);
        const double d_score = weight * (d_weight - delta) * s_.scale;
        for (std::int64_t c = 0; c < s_.head_dim; ++c) {
          dq[at + c] += static_cast<T>(d_score * static_cast<double>(k_[key + c]));
          dk[key + c] += static_cast<T>(d_score * static_cast<double>(q_[at + c]));
          dv[key + c] += static_cast<T>(weight * static_cast<double>(d_o[at + c]));
        }
      }
    });
  }

 private:
  static double times(T a, T b) { return static_cast<double>(a) * static_cast<double>(b); }
  template <class F>
  void for_each_query(F&& f) const {
    for (std::int64_t b = 0; b < s_.batch; ++b) {
      for (std::int64_t h = 0; h < s_.heads; ++h) {
        for (std::int64_t i = 0; i < s_.queries; ++i) f(b, h, i);
      }
    }
  }
  std::int64_t visible(std::int64_t i) const { return i + s_.keys - s_.queries + 1; }
  std::int64_t qo(std::int64_t b, std::int64_t h, std::int64_t i) const {
    return (b * s_.queries + i) * s_.width() + h * s_.head_dim;
  }
  std::int64_t kv(std::int64_t b, std::int64_t h, std::int64_t j) const {
    return b * s_.kv_batch + j * s_.kv_row + h * s_.head_dim;
  }
  double score(std::int64_t b, std::int64_t h, std::int64_t i, std::int64_t j) const {
    double sum = 0;
    for (std::int64_t c = 0; c < s_.head_dim; ++c) sum += times(q_[qo(b, h, i) + c], k_[kv(b, h, j) + c]);
    return sum * s_.scale;
  }
  double log_sum_exp(std::int64_t b, std::int64_t h, std::int64_t i) const {
    double top = -std::numeric_limits<double>::infinity();
    for (std::int64_t j = 0; j < visible(i); ++j) top = std::max(top, score(b, h, i, j));
    double sum = 0;
    for (std::int64_t j = 0; j < visible(i); ++j) sum += std::exp(score(b, h, i, j) - top);
    return top + std::log(sum);
  }

  AttentionShape s_;
  const T* q_;
  const T* k_;
  const T* v_;
};

}  // namespace naive
}  // namespace seqbench

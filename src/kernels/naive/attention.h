#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace seqbench {

// How the scores of the keys that a query sees become their weights: exp(s) / sum exp(s), or sigmoid(s +
// bias).
enum class Weighting { softmax, sigmoid };

// Which keys a query sees, and how it weighs them.
struct AttentionRule {
  std::int64_t heads = 1;
  std::int64_t kv_heads = 1;  // divides heads: head h reads the keys and values of head h kv_heads / heads
  Weighting weighting = Weighting::softmax;
  double bias = 0;          // of sigmoid
  bool alibi = false;       // adds -alibi_slope() for every token between query and key
  std::int64_t window = 0;  // of tokens a query sees, itself included; 0: all before
  std::int64_t sinks = 0;   // first tokens that stay visible behind a window
};

// Query i is the token of key row i + keys - queries: the queries are the last of the tokens whose keys are
// there. q, o: row (b, i) begins at (b * queries + i) * width; k, v: row (b, j) at b * kv_batch + j * kv_row.
// Head h has the columns h * head_dim .. of each. scale multiplies q.k. lse is [batch, heads, queries].
//
// The keys of tokens between the sinks and the window of the first query may be missing. Rows then are not
// tokens, but nothing changes: the distance from a query to the keys in its window is that of their rows, and
// from the row sinks + window - 1 on, which such a query is at or after, its position does not matter to
// sinks.
struct AttentionShape {
  AttentionRule rule;
  std::int64_t batch = 0;
  std::int64_t head_dim = 0;
  std::int64_t queries = 0;
  std::int64_t keys = 0;
  std::int64_t kv_batch = 0;
  std::int64_t kv_row = 0;
  double scale = 1;

  std::int64_t width() const { return rule.heads * head_dim; }
  std::int64_t row_of(std::int64_t i) const { return i + keys - queries; }
  // The first row of the window of query i.
  std::int64_t window_begin(std::int64_t i) const {
    return rule.window == 0 ? 0 : std::max<std::int64_t>(0, row_of(i) - rule.window + 1);
  }
  // Where query i stands as seen from its window or from the sinks. Sinks stay right before the window
  // (StreamingLLM, arXiv 2309.17453): their distance stops growing once tokens have dropped out between. A
  // sink inside the window of row i has i < sinks + window - 1, so that both positions are i.
  std::int64_t position(std::int64_t i, bool from_sinks) const {
    return from_sinks ? std::min(row_of(i), rule.sinks + rule.window - 1) : row_of(i);
  }
};

// Slope of head h of `heads`: 2^(-8 (h + 1) / heads) for a power of two. Other numbers of heads take those of
// the power p below, and then every second one of 2 p heads (Press et al. 2021, arXiv 2108.12409).
inline double alibi_slope(std::int64_t h, std::int64_t heads) {
  const auto power = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(heads)));
  const std::int64_t eighths = h < power ? 2 * (h + 1) : 2 * (h - power) + 1;
  return std::exp2(-4.0 * static_cast<double>(eighths) / static_cast<double>(power));
}

// q_sinks, laid out as q, holds the queries that read sinks, where position is in the numbers (RoPE); null: q
// reads them too.
template <class T>
struct AttentionInputs {
  const T* q;
  const T* k;
  const T* v;
  const T* q_sinks = nullptr;
};

// What the forward left in o and, for softmax, in lse; the gradient of o; and where the gradients of the
// inputs are added.
template <class T>
struct AttentionGradients {
  const T* o;
  const T* lse;
  const T* d_o;
  T* dq;
  T* dk;
  T* dv;
  T* dq_sinks = nullptr;
};

namespace naive {

template <class T>
class Attention {
 public:
  Attention(const AttentionShape& shape, const AttentionInputs<T>& in) : s_(shape), in_(in) {}

  // lse may be null.
  void forward(T* o, T* lse) const {
    for_each_query([&](std::int64_t b, std::int64_t h, std::int64_t i) {
      double log_sum = 0;
      const std::vector<double> weight = weights(b, h, i, log_sum);
      if (lse != nullptr) lse[(b * s_.rule.heads + h) * s_.queries + i] = static_cast<T>(log_sum);
      for (std::int64_t c = 0; c < s_.head_dim; ++c) {
        double sum = 0;
        for_each_key(i, [&](std::int64_t j) {
          sum += weight[static_cast<std::size_t>(j)] * static_cast<double>(in_.v[kv(b, h, j) + c]);
        });
        o[qo(b, h, i) + c] = static_cast<T>(sum);
      }
    });
  }

  // dA = dO V^T; dS = A (dA - dO.O) of softmax, A (1 - A) dA of sigmoid; dQ = scale dS K; dK = scale dS^T Q;
  // dV = A^T dO.
  void backward(const AttentionGradients<T>& g) const {
    for_each_query([&](std::int64_t b, std::int64_t h, std::int64_t i) {
      const std::int64_t at = qo(b, h, i);
      const bool softmax = s_.rule.weighting == Weighting::softmax;
      const double delta = softmax ? product(g.d_o + at, g.o + at) : 0;
      double log_sum = 0;
      const std::vector<double> weight = weights(b, h, i, log_sum);
      for_each_key(i, [&](std::int64_t j) {
        const std::int64_t key = kv(b, h, j);
        const double a = weight[static_cast<std::size_t>(j)];
        const double d_weight = product(g.d_o + at, in_.v + key);
        const double d_score = (softmax ? a * (d_weight - delta) : a * (1 - a) * d_weight) * s_.scale;
        T* dq = j < s_.rule.sinks && in_.q_sinks != nullptr ? g.dq_sinks : g.dq;
        const T* q = queries_of(j);
        for (std::int64_t c = 0; c < s_.head_dim; ++c) {
          dq[at + c] += static_cast<T>(d_score * static_cast<double>(in_.k[key + c]));
          g.dk[key + c] += static_cast<T>(d_score * static_cast<double>(q[at + c]));
          g.dv[key + c] += static_cast<T>(a * static_cast<double>(g.d_o[at + c]));
        }
      });
    });
  }

 private:
  double product(const T* a, const T* b) const {
    double sum = 0;
    for (std::int64_t c = 0; c < s_.head_dim; ++c)
      sum += static_cast<double>(a[c]) * static_cast<double>(b[c]);
    return sum;
  }
  template <class F>
  void for_each_query(F&& f) const {
    for (std::int64_t b = 0; b < s_.batch; ++b) {
      for (std::int64_t h = 0; h < s_.rule.heads; ++h) {
        for (std::int64_t i = 0; i < s_.queries; ++i) f(b, h, i);
      }
    }
  }
  template <class F>
  void for_each_key(std::int64_t i, F&& f) const {
    for (std::int64_t j = 0; j <= s_.row_of(i); ++j) {
      if (j < s_.rule.sinks || j >= s_.window_begin(i)) f(j);
    }
  }
  std::int64_t qo(std::int64_t b, std::int64_t h, std::int64_t i) const {
    return (b * s_.queries + i) * s_.width() + h * s_.head_dim;
  }
  std::int64_t kv(std::int64_t b, std::int64_t h, std::int64_t j) const {
    return b * s_.kv_batch + j * s_.kv_row + h * s_.rule.kv_heads / s_.rule.heads * s_.head_dim;
  }
  const T* queries_of(std::int64_t j) const {
    return j < s_.rule.sinks && in_.q_sinks != nullptr ? in_.q_sinks : in_.q;
  }
  double score(std::int64_t b, std::int64_t h, std::int64_t i, std::int64_t j) const {
    const double product_of_both = product(queries_of(j) + qo(b, h, i), in_.k + kv(b, h, j)) * s_.scale;
    if (!s_.rule.alibi) return product_of_both;
    const std::int64_t distance = s_.position(i, j < s_.rule.sinks) - j;
    return product_of_both - alibi_slope(h, s_.rule.heads) * static_cast<double>(distance);
  }
  // The weights of all keys, 0 where not seen, and log sum exp of the scores.
  std::vector<double> weights(std::int64_t b, std::int64_t h, std::int64_t i, double& log_sum) const {
    std::vector<double> a(static_cast<std::size_t>(s_.keys), 0);
    double top = -std::numeric_limits<double>::infinity();
    for_each_key(i, [&](std::int64_t j) {
      a[static_cast<std::size_t>(j)] = score(b, h, i, j);
      top = std::max(top, a[static_cast<std::size_t>(j)]);
    });
    double sum = 0;
    for_each_key(i, [&](std::int64_t j) { sum += std::exp(a[static_cast<std::size_t>(j)] - top); });
    log_sum = top + std::log(sum);
    for_each_key(i, [&](std::int64_t j) {
      double& s = a[static_cast<std::size_t>(j)];
      s = s_.rule.weighting == Weighting::softmax ? std::exp(s - log_sum)
                                                  : 1 / (1 + std::exp(-s - s_.rule.bias));
    });
    return a;
  }

  AttentionShape s_;
  AttentionInputs<T> in_;
};

}  // namespace naive
}  // namespace seqbench

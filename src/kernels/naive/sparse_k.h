#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/sparsek_projection.h"

namespace seqbench {

// Attention of `queries` queries, the last of the tokens, to the `window` newest tokens and to k selected
// older ones, chosen per KV head. The first `outside` tokens have a score, but no key and value any more. q,
// o: row (b, i) begins at (b * queries + i) * width(). k, v: row (b, r) of token outside + r begins at b *
// kv_batch + r * kv_row. Query head h has the columns h * head_dim .. and reads KV head h / group(). Scores u
// are [batch, kv_heads, tokens()], in double.
struct SparseKShape {
  std::int64_t batch = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t queries = 0;
  std::int64_t keys = 0;
  std::int64_t outside = 0;
  std::int64_t k = 0;
  std::int64_t window = 0;
  std::int64_t kv_batch = 0;
  std::int64_t kv_row = 0;
  double scale = 1;        // of q.k
  bool gate_keys = false;  // the gate multiplies keys too
  bool hard = false;       // the gate of a selected token is 1, its gradient that of m

  std::int64_t width() const { return heads * head_dim; }
  std::int64_t group() const { return heads / kv_heads; }
  std::int64_t tokens() const { return outside + keys; }
  std::int64_t token_of(std::int64_t query) const { return tokens() - queries + query; }
  // Tokens 0 .. candidates - 1 have left the window of this query.
  std::int64_t candidates(std::int64_t query) const {
    return std::max<std::int64_t>(0, token_of(query) - window + 1);
  }
};

namespace naive {

// The equations as they are, every query from scratch: O(L^2 log L).
template <class T>
class SparseK {
 public:
  SparseK(const SparseKShape& shape, const T* q, const T* k, const T* v, const double* u)
      : s_(shape), q_(q), k_(k), v_(v), u_(u) {}

  // lse is [batch, heads, queries].
  void forward(T* o, T* lse) const {
    for_each_row([&](const Row& row) {
      for (std::int64_t h = row.g * s_.group(); h < (row.g + 1) * s_.group(); ++h) {
        const std::int64_t out = q_at(row, h);
        const double log_sum = log_sum_exp(row, h);
        lse[lse_at(row, h)] = static_cast<T>(log_sum);
        for (std::int64_t c = 0; c < s_.head_dim; ++c) {
          double sum = 0;
          for (const Seen& seen : row.seen) {
            sum += std::exp(logit(row, seen, h) - log_sum) * seen.gate * number(v_[kv_at(row, seen) + c]);
          }
          o[out + c] = static_cast<T>(sum);
        }
      }
    });
  }

  // Adds to dq, dk, dv and du. With A the softmax, a = dO.v and g the gate (1 in the window): dlogit = A (g a
  // - dO.O); dv = A g dO; the gate's own gradient is A a, and dlogit q.k when it multiplies keys.
  void backward(const T* o, const T* lse, const T* d_o, T* dq, T* dk, T* dv, double* du) const {
    for_each_row([&](const Row& row) {
      std::vector<double> dp(row.p.size());
      for (std::int64_t h = row.g * s_.group(); h < (row.g + 1) * s_.group(); ++h) {
        const std::int64_t at = q_at(row, h);
        const double log_sum = number(lse[lse_at(row, h)]);
        const double delta = product(d_o + at, o + at);
        for (const Seen& seen : row.seen) {
          const std::int64_t kv = kv_at(row, seen);
          const double weight = std::exp(logit(row, seen, h) - log_sum);
          const double d_value = product(d_o + at, v_ + kv);
          const double d_logit = weight * (seen.gate * d_value - delta);
          const double d_score = d_logit * key_gate(seen) * s_.scale;
          for (std::int64_t c = 0; c < s_.head_dim; ++c) {
            dq[at + c] += static_cast<T>(d_score * number(k_[kv + c]));
            dk[kv + c] += static_cast<T>(d_score * number(q_[at + c]));
            dv[kv + c] += static_cast<T>(weight * seen.gate * number(d_o[at + c]));
          }
          if (!seen.selected) continue;
          dp[static_cast<std::size_t>(seen.token)] += weight * d_value;
          if (s_.gate_keys) {
            dp[static_cast<std::size_t>(seen.token)] += d_logit * s_.scale * product(q_ + at, k_ + kv);
          }
        }
      }
      const std::vector<double> dz = kernels::sparsek_backward(row.p, dp);
      for (std::size_t j = 0; j < dz.size(); ++j) {
        du[(row.b * s_.kv_heads + row.g) * s_.tokens() + static_cast<std::int64_t>(j)] += dz[j];
      }
    });
  }

 private:
  struct Seen {
    std::int64_t token;
    double gate;
    bool selected;  // not in the window
  };
  struct Row {
    std::int64_t b, g, i;
    std::vector<double> p;  // of every candidate
    std::vector<Seen> seen;
  };

  template <class F>
  void for_each_row(F&& f) const {
    for (std::int64_t b = 0; b < s_.batch; ++b) {
      for (std::int64_t g = 0; g < s_.kv_heads; ++g) {
        for (std::int64_t i = 0; i < s_.queries; ++i) f(row_of(b, g, i));
      }
    }
  }

  Row row_of(std::int64_t b, std::int64_t g, std::int64_t i) const {
    const double* u = u_ + (b * s_.kv_heads + g) * s_.tokens();
    const std::int64_t candidates = s_.candidates(i);
    Row row = {b, g, i, kernels::sparsek({u, u + candidates}, s_.k), {}};
    std::vector<std::int64_t> order;
    for (std::int64_t j = s_.outside; j < candidates; ++j) order.push_back(j);
    std::ranges::stable_sort(order, [&](std::int64_t a, std::int64_t other) {
      return kernels::rank_of_score(u[a]) > kernels::rank_of_score(u[other]);
    });
    if (static_cast<std::int64_t>(order.size()) > s_.k) order.resize(static_cast<std::size_t>(s_.k));
    for (const std::int64_t j : order) {
      row.seen.push_back({j, s_.hard ? 1.0 + 0.0 * u[j] : row.p[static_cast<std::size_t>(j)], true});
    }
    for (std::int64_t j = candidates; j <= s_.token_of(i); ++j) row.seen.push_back({j, 1, false});
    return row;
  }

  static double number(T x) { return static_cast<double>(x); }
  double product(const T* a, const T* b) const {
    double sum = 0;
    for (std::int64_t c = 0; c < s_.head_dim; ++c) sum += number(a[c]) * number(b[c]);
    return sum;
  }
  std::int64_t q_at(const Row& row, std::int64_t h) const {
    return (row.b * s_.queries + row.i) * s_.width() + h * s_.head_dim;
  }
  std::int64_t kv_at(const Row& row, const Seen& seen) const {
    return row.b * s_.kv_batch + (seen.token - s_.outside) * s_.kv_row + row.g * s_.head_dim;
  }
  std::int64_t lse_at(const Row& row, std::int64_t h) const {
    return (row.b * s_.heads + h) * s_.queries + row.i;
  }
  double key_gate(const Seen& seen) const { return s_.gate_keys ? seen.gate : 1; }
  double logit(const Row& row, const Seen& seen, std::int64_t h) const {
    return key_gate(seen) * s_.scale * product(q_ + q_at(row, h), k_ + kv_at(row, seen));
  }
  double log_sum_exp(const Row& row, std::int64_t h) const {
    double top = -std::numeric_limits<double>::infinity();
    for (const Seen& seen : row.seen) top = std::max(top, logit(row, seen, h));
    double sum = 0;
    for (const Seen& seen : row.seen) sum += std::exp(logit(row, seen, h) - top);
    return top + std::log(sum);
  }

  SparseKShape s_;
  const T* q_;
  const T* k_;
  const T* v_;
  const double* u_;
};

}  // namespace naive
}  // namespace seqbench

#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

namespace seqbench {

// Query i sees keys 0 .. i + keys - queries and attends the k of them with the largest q.k; of equal ones the
// newer. q, o: row (b, i) begins at (b * queries + i) * width(); k, v: row (b, j) at b * kv_batch + j *
// kv_row. Head h has the columns h * head_dim .. of each.
struct TopKShape {
  std::int64_t batch = 0;
  std::int64_t heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t queries = 0;
  std::int64_t keys = 0;
  std::int64_t k = 0;
  std::int64_t kv_batch = 0;
  std::int64_t kv_row = 0;
  double scale = 1;  // of q.k

  std::int64_t width() const { return heads * head_dim; }
  std::int64_t visible(std::int64_t query) const { return query + keys - queries + 1; }
};

namespace naive {

template <class T>
class TopK {
 public:
  TopK(const TopKShape& shape, const T* q, const T* k, const T* v) : s_(shape), q_(q), k_(k), v_(v) {}

  void forward(T* o) const {
    for_each_row([&](const Row& row) {
      for (std::int64_t c = 0; c < s_.head_dim; ++c) {
        double sum = 0;
        for (const Kept& kept : row.kept) sum += kept.weight * number(v_[kv_at(row, kept.key) + c]);
        o[row.at + c] = static_cast<T>(sum);
      }
    });
  }

  // Adds to dq, dk, dv: softmax over the kept, whose choice has no gradient.
  void backward(const T* d_o, T* dq, T* dk, T* dv) const {
    for_each_row([&](const Row& row) {
      double delta = 0;
      for (const Kept& kept : row.kept)
        delta += kept.weight * product(d_o + row.at, v_ + kv_at(row, kept.key));
      for (const Kept& kept : row.kept) {
        const std::int64_t kv = kv_at(row, kept.key);
        const double d_score = kept.weight * (product(d_o + row.at, v_ + kv) - delta) * s_.scale;
        for (std::int64_t c = 0; c < s_.head_dim; ++c) {
          dq[row.at + c] += static_cast<T>(d_score * number(k_[kv + c]));
          dk[kv + c] += static_cast<T>(d_score * number(q_[row.at + c]));
          dv[kv + c] += static_cast<T>(kept.weight * number(d_o[row.at + c]));
        }
      }
    });
  }

 private:
  struct Kept {
    std::int64_t key;
    double weight;  // the score, until the softmax
  };
  struct Row {
    std::int64_t b, h, at;
    std::vector<Kept> kept;
  };

  template <class F>
  void for_each_row(F&& f) const {
    for (std::int64_t b = 0; b < s_.batch; ++b) {
      for (std::int64_t h = 0; h < s_.heads; ++h) {
        for (std::int64_t i = 0; i < s_.queries; ++i) f(row_of(b, h, i));
      }
    }
  }
  Row row_of(std::int64_t b, std::int64_t h, std::int64_t i) const {
    Row row = {b, h, (b * s_.queries + i) * s_.width() + h * s_.head_dim, {}};
    for (std::int64_t j = s_.visible(i) - 1; j >= 0; --j) {
      row.kept.push_back({j, s_.scale * product(q_ + row.at, k_ + kv_at(row, j))});
    }
    // A score that is no number counts as the largest, so that it is not lost.
    const auto rank = [](const Kept& kept) {
      return std::isnan(kept.weight) ? std::numeric_limits<double>::infinity() : kept.weight;
    };
    std::ranges::stable_sort(row.kept, std::greater<>(), rank);
    row.kept.resize(std::min(row.kept.size(), static_cast<std::size_t>(s_.k)));
    const double top = row.kept.front().weight;
    double sum = 0;
    for (Kept& kept : row.kept) sum += kept.weight = std::exp(kept.weight - top);
    for (Kept& kept : row.kept) kept.weight /= sum;
    return row;
  }
  static double number(T x) { return static_cast<double>(x); }
  double product(const T* a, const T* b) const {
    double sum = 0;
    for (std::int64_t c = 0; c < s_.head_dim; ++c) sum += number(a[c]) * number(b[c]);
    return sum;
  }
  std::int64_t kv_at(const Row& row, std::int64_t key) const {
    return row.b * s_.kv_batch + key * s_.kv_row + row.h * s_.head_dim;
  }

  TopKShape s_;
  const T* q_;
  const T* k_;
  const T* v_;
};

}  // namespace naive
}  // namespace seqbench

#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace seqbench {

// q, k: [batch, length, heads * key_dim]; v, o: [batch, length, heads * value_dim]. With the decay a of its
// head, S_t = a S_{t-1} + k_t^T v_t and o_t = q_t S_t. Normalised, also z_t = a z_{t-1} + k_t, den_t =
// q_t.z_t and o_t = q_t S_t / (den_t + eps). Floored (RetNet's scores), o_t = q_t S_t / max(|den_t|, floor_t)
// with floor_t = sqrt(1 + a + .. + a^t), t counted from the start of the sequence. A state is [batch, heads,
// state_size]: S by rows, then z if there is one.
struct LinearShape {
  std::int64_t batch = 0;
  std::int64_t heads = 0;
  std::int64_t length = 0;
  std::int64_t key_dim = 0;
  std::int64_t value_dim = 0;
  bool normalise = true;
  std::int64_t chunk = 64;             // tokens taken at once; from `length` on, all of them
  std::vector<double> log_decay = {};  // log a of every head, none above 0; empty: no head decays
  double eps = 1e-6;
  bool floored = false;    // only when normalised, and instead of eps
  std::int64_t first = 0;  // position of the first token, for the floors

  std::int64_t state_size() const { return key_dim * (value_dim + (normalise ? 1 : 0)); }  // of one head
  std::int64_t chunk_tokens() const { return std::min(chunk, length); }                    // of the longest
  std::int64_t chunks() const { return (length + chunk - 1) / chunk; }
};

// floor_t of head `h`: sqrt(1 + a + .. + a^t).
inline double linear_floor(const LinearShape& s, std::int64_t h, std::int64_t t) {
  const double log_a = s.log_decay.empty() ? 0.0 : s.log_decay[static_cast<std::size_t>(h)];
  const auto terms = static_cast<double>(t + 1);
  return std::sqrt(log_a == 0 ? terms : std::expm1(terms * log_a) / std::expm1(log_a));
}

// What o is multiplied by, given den and its floor, and the derivative of the divisor in den.
template <class T>
struct LinearDivision {
  LinearDivision(const LinearShape& s, T den, T floor) : inverse(1), slope(0) {
    if (!s.normalise) return;
    const T size = std::abs(den);
    const bool above = !(size <= floor);  // a NaN is
    inverse = 1 / (!s.floored ? den + static_cast<T>(s.eps) : above ? size : floor);
    slope = !s.floored ? T(1) : above ? std::copysign(T(1), den) : T(0);
  }
  T inverse;
  T slope;
};

// Where the forward writes. state is read first, and left as it is after the last token. den: [batch, heads,
// length], written when normalised. chunk_states: null when no backward follows.
template <class T>
struct LinearOutputs {
  T* state;
  T* o;
  T* den;
  T* chunk_states;
};

// What the forward left, the gradients of o and of the state after the last token (null: zeros), and where
// the gradients of q, k, v and of the state before the first token (null: not wanted) are added.
template <class T>
struct LinearGradients {
  const T* o;
  const T* den;
  const T* chunk_states;
  const T* d_o;
  const T* d_last;
  T* dq;
  T* dk;
  T* dv;
  T* d_first;
};

namespace naive {

// The recurrent form, token by token, and its gradient. The chunk plays no part: of chunk_states only the
// first [batch, heads, state_size] are used, for the state before the first token. z is a column of S whose
// value is always 1.
template <class T>
class LinearAttention {
 public:
  LinearAttention(const LinearShape& shape, const T* q, const T* k, const T* v)
      : s_(shape), columns_(s_.value_dim + (s_.normalise ? 1 : 0)), q_(q), k_(k), v_(v) {}

  void forward(const LinearOutputs<T>& out) const {
    const std::int64_t size = s_.state_size();
    if (out.chunk_states != nullptr) std::copy_n(out.state, s_.batch * s_.heads * size, out.chunk_states);
    for_each_head([&](std::int64_t b, std::int64_t h) {
      T* state = out.state + (b * s_.heads + h) * size;
      for (std::int64_t t = 0; t < s_.length; ++t) {
        read(state, b, h, t);
        const std::vector<double> sums = asked(state, q_ + key(b, h, t));
        const double inverse = division(h, t, sums.back()).inverse;
        for (std::int64_t c = 0; c < s_.value_dim; ++c) {
          out.o[value(b, h, t) + c] = static_cast<T>(sums[static_cast<std::size_t>(c)] * inverse);
        }
        if (s_.normalise) out.den[(b * s_.heads + h) * s_.length + t] = static_cast<T>(sums.back());
      }
    });
  }

  // With the states S_t of every token and d_t = [do / divisor, -(do.o) / divisor * slope], or do as it is:
  // dq_t = S_t d_t, and the reverse sum G_t = a G_{t+1} + q_t^T d_t gives dk_t = G_t [v_t, 1] and dv_t = k_t
  // G_t.
  void backward(const LinearGradients<T>& g) const {
    const std::int64_t size = s_.state_size();
    for_each_head([&](std::int64_t b, std::int64_t h) {
      const std::int64_t head = (b * s_.heads + h) * size;
      const std::vector<T> states = states_of(b, h, g.chunk_states + head);
      std::vector<double> sum(static_cast<std::size_t>(size), 0.0);
      if (g.d_last != nullptr) std::copy_n(g.d_last + head, size, sum.begin());
      for (std::int64_t t = s_.length - 1; t >= 0; --t) {
        backward_token(g, b, h, t, states.data() + t * size, sum.data());
        for (double& x : sum) x *= decay(h);
      }
      if (g.d_first == nullptr) return;
      for (std::int64_t i = 0; i < size; ++i)
        g.d_first[head + i] += static_cast<T>(sum[static_cast<std::size_t>(i)]);
    });
  }

 private:
  static double number(T x) { return static_cast<double>(x); }
  template <class F>
  void for_each_head(F&& f) const {
    for (std::int64_t b = 0; b < s_.batch; ++b) {
      for (std::int64_t h = 0; h < s_.heads; ++h) f(b, h);
    }
  }
  LinearDivision<double> division(std::int64_t h, std::int64_t t, double den) const {
    return {s_, den, s_.floored ? linear_floor(s_, h, s_.first + t) : 0.0};
  }
  double decay(std::int64_t h) const {
    return s_.log_decay.empty() ? 1.0 : std::exp(s_.log_decay[static_cast<std::size_t>(h)]);
  }
  // Where row i, column c of [S, z] stands in a state.
  std::int64_t at(std::int64_t i, std::int64_t c) const {
    return c < s_.value_dim ? i * s_.value_dim + c : s_.key_dim * s_.value_dim + i;
  }
  double value_at(std::int64_t row, std::int64_t c) const {
    return c < s_.value_dim ? number(v_[row + c]) : 1.0;
  }
  void read(T* state, std::int64_t b, std::int64_t h, std::int64_t t) const {
    for (std::int64_t i = 0; i < s_.key_dim; ++i) {
      for (std::int64_t c = 0; c < columns_; ++c) {
        const double product = number(k_[key(b, h, t) + i]) * value_at(value(b, h, t), c);
        state[at(i, c)] = static_cast<T>(decay(h) * number(state[at(i, c)]) + product);
      }
    }
  }
  // q [S, z]
  std::vector<double> asked(const T* state, const T* q) const {
    std::vector<double> sums(static_cast<std::size_t>(columns_), 0.0);
    for (std::int64_t i = 0; i < s_.key_dim; ++i) {
      for (std::int64_t c = 0; c < columns_; ++c)
        sums[static_cast<std::size_t>(c)] += number(q[i]) * number(state[at(i, c)]);
    }
    return sums;
  }
  // The states after every token.
  std::vector<T> states_of(std::int64_t b, std::int64_t h, const T* first) const {
    const std::int64_t size = s_.state_size();
    std::vector<T> states(static_cast<std::size_t>(s_.length * size));
    for (std::int64_t t = 0; t < s_.length; ++t) {
      T* state = states.data() + t * size;
      std::copy_n(t == 0 ? first : state - size, size, state);
      read(state, b, h, t);
    }
    return states;
  }
  // The gradient of q_t [S_t, z_t].
  std::vector<double> asked_gradient(const LinearGradients<T>& g, std::int64_t b, std::int64_t h,
                                     std::int64_t t) const {
    std::vector<double> d(static_cast<std::size_t>(columns_), 0.0);
    const std::int64_t row = value(b, h, t);
    const double den = s_.normalise ? number(g.den[(b * s_.heads + h) * s_.length + t]) : 0.0;
    const LinearDivision<double> by = division(h, t, den);
    for (std::int64_t c = 0; c < s_.value_dim; ++c) {
      d[static_cast<std::size_t>(c)] = number(g.d_o[row + c]) * by.inverse;
      if (s_.normalise) d.back() -= number(g.d_o[row + c]) * number(g.o[row + c]) * by.inverse * by.slope;
    }
    return d;
  }
  void backward_token(const LinearGradients<T>& g, std::int64_t b, std::int64_t h, std::int64_t t,
                      const T* state, double* sum) const {
    const std::vector<double> d = asked_gradient(g, b, h, t);
    const std::int64_t row = value(b, h, t);
    for (std::int64_t i = 0; i < s_.key_dim; ++i) {
      const std::int64_t element = key(b, h, t) + i;
      double dq = 0;
      double dk = 0;
      for (std::int64_t c = 0; c < columns_; ++c) {
        dq += number(state[at(i, c)]) * d[static_cast<std::size_t>(c)];
        sum[at(i, c)] += number(q_[element]) * d[static_cast<std::size_t>(c)];
        dk += sum[at(i, c)] * value_at(row, c);
        if (c < s_.value_dim) g.dv[row + c] += static_cast<T>(number(k_[element]) * sum[at(i, c)]);
      }
      g.dq[element] += static_cast<T>(dq);
      g.dk[element] += static_cast<T>(dk);
    }
  }
  std::int64_t key(std::int64_t b, std::int64_t h, std::int64_t t) const {
    return ((b * s_.length + t) * s_.heads + h) * s_.key_dim;
  }
  std::int64_t value(std::int64_t b, std::int64_t h, std::int64_t t) const {
    return ((b * s_.length + t) * s_.heads + h) * s_.value_dim;
  }

  LinearShape s_;
  std::int64_t columns_;
  const T* q_;
  const T* k_;
  const T* v_;
};

}  // namespace naive
}  // namespace seqbench

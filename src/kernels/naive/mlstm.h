#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/naive/forget_gate.h"

namespace seqbench {

// q, k, v, h: [batch, length, heads * dim]; gates, before their functions: [batch, length, heads]. A state is
// [batch, heads, state_size]: C by rows [dim, dim] and n [dim], both divided by e^m, then m.
struct MlstmShape {
  std::int64_t batch = 0;
  std::int64_t heads = 0;
  std::int64_t length = 0;
  std::int64_t dim = 0;    // of a head
  std::int64_t chunk = 1;  // tokens at a time; the length or more is the parallel form

  std::int64_t matrix_size() const { return dim * dim; }
  std::int64_t state_size() const { return dim * (dim + 1) + 1; }  // of one head
  std::int64_t chunks() const { return (length + chunk - 1) / chunk; }
  std::int64_t states() const { return batch * heads * state_size(); }
};

template <class T>
struct MlstmInputs {
  const T* q;
  const T* k;
  const T* v;
  const T* input_gate;
  const T* forget_gate;
};

// state: read, and left as it is after the last token. den[batch, heads, length]: q.n. chunk_states[batch,
// heads, chunks, state_size]: the state at the start of every chunk; null when no backward follows.
template <class T>
struct MlstmOutputs {
  T* state;
  T* h;
  T* den;
  T* chunk_states;
};

// What the forward left, the gradients of h and of the state after the last token (null: zeros), and where
// gradients go: that of the state before the first token is added (null: not wanted), the others overwritten.
template <class T>
struct MlstmGradients {
  const T* h;
  const T* den;
  const T* chunk_states;
  const T* last;  // the state after the last token
  const T* d_h;
  const T* d_last;
  T* d_first;
  T* dq;
  T* dk;
  T* dv;
  T* d_input_gate;
  T* d_forget_gate;
};

// h is divided by max(|q.n|, e^-m), e^-m kept within e^-40 and e^80. Above, h is 0 to the last digit; below,
// q.n is as good as 0 next to weights of which the largest is 1, and 1 / e^-80 would overflow in a gradient.
constexpr double kMlstmLeastFloor = -40;  // exponents
constexpr double kMlstmMostFloor = 80;

namespace naive {

// The recurrent form, token by token, and the derivative of each of its lines, that of the maximum included.
template <class T>
class Mlstm {
 public:
  Mlstm(const MlstmShape& shape, const MlstmInputs<T>& in)
      : s_(shape), in_(in), scale_(1.0 / std::sqrt(static_cast<double>(shape.dim))) {}

  void forward(const MlstmOutputs<T>& out) const {
    for (std::int64_t head = 0; head < s_.batch * s_.heads; ++head) {
      std::vector<double> state = numbers(out.state + head * s_.state_size());
      for (std::int64_t t = 0; t < s_.length; ++t) {
        if (out.chunk_states != nullptr && t % s_.chunk == 0) {
          store(state, out.chunk_states + (head * s_.chunks() + t / s_.chunk) * s_.state_size());
        }
        read(head, t, state);
        const double den = query(head, t, state, s_.matrix_size(), 1);
        out.den[head * s_.length + t] = static_cast<T>(den);
        const double norm = std::max(std::abs(den), floor_of(state.back()));
        for (std::int64_t c = 0; c < s_.dim; ++c) {
          out.h[row(head, t) + c] = static_cast<T>(query(head, t, state, c, s_.dim) / norm);
        }
      }
      store(state, out.state + head * s_.state_size());
    }
  }

  void backward(const MlstmGradients<T>& g) const {
    for (std::int64_t head = 0; head < s_.batch * s_.heads; ++head) {
      std::vector<std::vector<double>> states = {
          numbers(g.chunk_states + head * s_.chunks() * s_.state_size())};
      for (std::int64_t t = 0; t < s_.length; ++t) {
        states.push_back(states.back());
        read(head, t, states.back());
      }
      std::vector<double> d(static_cast<std::size_t>(s_.state_size()), 0.0);
      if (g.d_last != nullptr) d = numbers(g.d_last + head * s_.state_size());
      for (std::int64_t t = s_.length - 1; t >= 0; --t) {
        const auto before = static_cast<std::size_t>(t);
        through_output(head, t, states[before + 1], g, d);
        through_update(head, t, states[before], states[before + 1].back(), g, d);
      }
      if (g.d_first == nullptr) continue;
      for (std::int64_t i = 0; i < s_.state_size(); ++i) {
        g.d_first[head * s_.state_size() + i] += static_cast<T>(d[static_cast<std::size_t>(i)]);
      }
    }
  }

 private:
  static double floor_of(double m) { return std::exp(std::clamp(-m, kMlstmLeastFloor, kMlstmMostFloor)); }
  std::vector<double> numbers(const T* state) const { return {state, state + s_.state_size()}; }
  void store(const std::vector<double>& state, T* to) const {
    for (std::size_t i = 0; i < state.size(); ++i) to[i] = static_cast<T>(state[i]);
  }
  double q(std::int64_t head, std::int64_t t, std::int64_t i) const {
    return static_cast<double>(in_.q[row(head, t) + i]);
  }
  double k(std::int64_t head, std::int64_t t, std::int64_t i) const {
    return static_cast<double>(in_.k[row(head, t) + i]) * scale_;
  }
  // What k_i stands beside in the state: v, and 1 in n.
  double v(std::int64_t head, std::int64_t t, std::int64_t c) const {
    return c < s_.dim ? static_cast<double>(in_.v[row(head, t) + c]) : 1.0;
  }
  // The place of (i, c) in the state: C, and n as its column `dim`.
  std::size_t place(std::int64_t i, std::int64_t c) const {
    return static_cast<std::size_t>(c < s_.dim ? i * s_.dim + c : s_.matrix_size() + i);
  }
  double query(std::int64_t head, std::int64_t t, const std::vector<double>& state, std::int64_t first,
               std::int64_t step) const {
    double sum = 0;
    for (std::int64_t i = 0; i < s_.dim; ++i)
      sum += q(head, t, i) * state[static_cast<std::size_t>(first + i * step)];
    return sum;
  }

  // m' = max(log f + m, i~); C = e^{log f + m - m'} C + e^{i~ - m'} k^T v; n the same with 1 for v.
  void read(std::int64_t head, std::int64_t t, std::vector<double>& state) const {
    const auto gate = static_cast<double>(in_.input_gate[gate_at(head, t)]);
    const double kept = log_forget(static_cast<double>(in_.forget_gate[gate_at(head, t)])) + state.back();
    const double m = std::max(kept, gate);
    for (std::int64_t i = 0; i < s_.dim; ++i) {
      for (std::int64_t c = 0; c <= s_.dim; ++c) {
        double& number = state[place(i, c)];
        number = std::exp(kept - m) * number + std::exp(gate - m) * k(head, t, i) * v(head, t, c);
      }
    }
    state.back() = m;
  }

  // From h_t to q_t, the state after token t, and its m by way of the floor.
  void through_output(std::int64_t head, std::int64_t t, const std::vector<double>& after,
                      const MlstmGradients<T>& g, std::vector<double>& d) const {
    const std::int64_t at = row(head, t);
    const auto den = static_cast<double>(g.den[head * s_.length + t]);
    const double floor = floor_of(after.back());
    const double norm = std::max(std::abs(den), floor);
    double d_norm = 0;
    for (std::int64_t c = 0; c < s_.dim; ++c) {
      d_norm -= static_cast<double>(g.d_h[at + c]) * static_cast<double>(g.h[at + c]) / norm;
    }
    const bool floored = std::abs(den) <= floor;
    const double d_den = floored ? 0.0 : den < 0 ? -d_norm : d_norm;
    const bool clamped = -after.back() < kMlstmLeastFloor || -after.back() > kMlstmMostFloor;
    if (floored && !clamped) d.back() -= d_norm * floor;
    for (std::int64_t i = 0; i < s_.dim; ++i) {
      double dq = 0;
      for (std::int64_t c = 0; c <= s_.dim; ++c) {
        const double d_out = c < s_.dim ? static_cast<double>(g.d_h[at + c]) / norm : d_den;
        dq += d_out * after[place(i, c)];
        d[place(i, c)] += d_out * q(head, t, i);
      }
      g.dq[at + i] = static_cast<T>(dq);
    }
  }

  // From the state after token t, whose m is given, to the state before it, k_t, v_t and the gates.
  void through_update(std::int64_t head, std::int64_t t, const std::vector<double>& before, double m,
                      const MlstmGradients<T>& g, std::vector<double>& d) const {
    const std::int64_t at = row(head, t);
    const auto gate = static_cast<double>(in_.input_gate[gate_at(head, t)]);
    const auto forget = static_cast<double>(in_.forget_gate[gate_at(head, t)]);
    const double kept = log_forget(forget) + before.back();
    const double keep = std::exp(kept - m);
    const double take = std::exp(gate - m);
    double d_keep = 0;
    double d_take = 0;
    std::vector<double> dv(static_cast<std::size_t>(s_.dim + 1), 0.0);
    for (std::int64_t i = 0; i < s_.dim; ++i) {
      double dk = 0;
      for (std::int64_t c = 0; c <= s_.dim; ++c) {
        double& number = d[place(i, c)];
        d_keep += number * before[place(i, c)];
        d_take += number * k(head, t, i) * v(head, t, c);
        dk += number * take * v(head, t, c);
        dv[static_cast<std::size_t>(c)] += number * take * k(head, t, i);
        number *= keep;
      }
      g.dk[at + i] = static_cast<T>(dk * scale_);
    }
    for (std::int64_t c = 0; c < s_.dim; ++c) g.dv[at + c] = static_cast<T>(dv[static_cast<std::size_t>(c)]);
    const double d_m = d.back() - d_keep * keep - d_take * take;
    const bool kept_wins = kept >= gate;
    const double d_kept = d_keep * keep + (kept_wins ? d_m : 0);
    g.d_input_gate[gate_at(head, t)] = static_cast<T>(d_take * take + (kept_wins ? 0 : d_m));
    g.d_forget_gate[gate_at(head, t)] = static_cast<T>(d_kept * log_forget_slope(forget));
    d.back() = d_kept;
  }

  std::int64_t row(std::int64_t head, std::int64_t t) const { return gate_at(head, t) * s_.dim; }
  std::int64_t gate_at(std::int64_t head, std::int64_t t) const {
    return (head / s_.heads * s_.length + t) * s_.heads + head % s_.heads;
  }

  MlstmShape s_;
  MlstmInputs<T> in_;
  double scale_;
};

}  // namespace naive
}  // namespace seqbench

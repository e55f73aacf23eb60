#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/naive/activation.h"
#include "kernels/naive/forget_gate.h"

namespace seqbench {

// Of width = heads * dim. A state is [batch, 4, width]: h, c, n and m, one row each.
struct SlstmShape {
  std::int64_t batch = 0;
  std::int64_t length = 0;
  std::int64_t heads = 0;
  std::int64_t dim = 0;

  std::int64_t width() const { return heads * dim; }
  std::int64_t gates_size() const { return batch * length * 4 * width(); }
  std::int64_t cells_size() const { return batch * length * 3 * width(); }
};

// m before the first token: so low that nothing is kept of c = n = 0, and m is i~ of that token.
constexpr double kSlstmNoMemory = -1e30;

// What the input adds to each gate before its function, [batch, length, width], and what h of the token
// before adds to the four of them: r[heads, dim, 4 * dim], columns in the order i, f, z, o.
template <class T>
struct SlstmInputs {
  const T* i;
  const T* f;
  const T* z;
  const T* o;
  const T* r;
};

// state: read, and left as it is after the last token. h: [batch, length, width]. gates[batch, length, heads,
// 4 * dim]: the sums before their functions. cells[batch, length, 3, width]: c, n and m after each token;
// null when no backward follows.
template <class T>
struct SlstmOutputs {
  T* state;
  T* h;
  T* gates;
  T* cells;
};

// What the forward left, the state before the first token, the gradients of h and of the state after the last
// token (null: zeros), and where gradients go: d_first (null: not wanted) and dr are added to, the others
// overwritten.
template <class T>
struct SlstmGradients {
  const T* h;
  const T* cells;
  const T* first;
  const T* d_h;
  const T* d_last;
  T* d_first;
  T* d_i;
  T* d_f;
  T* d_z;
  T* d_o;
  T* dr;
};

namespace naive {

// Token by token, and the derivative of each line, that of the maximum included.
template <class T>
class Slstm {
 public:
  Slstm(const SlstmShape& shape, const SlstmInputs<T>& in) : s_(shape), in_(in) {}

  void forward(const SlstmOutputs<T>& out) const {
    for (std::int64_t b = 0; b < s_.batch; ++b) {
      T* state = out.state + b * 4 * s_.width();
      for (std::int64_t t = 0; t < s_.length; ++t) {
        const std::int64_t at = (b * s_.length + t) * s_.width();
        for (std::int64_t c = 0; c < s_.width(); ++c) sum_gates(at, c, state, out.gates);
        for (std::int64_t c = 0; c < s_.width(); ++c) {
          const Step step = step_of(at, c, out.gates, cell(state + s_.width(), c));
          state[c] = out.h[at + c] = static_cast<T>(step.out * step.after.c / step.after.n);
          store(step.after, state + s_.width(), c);
          if (out.cells != nullptr) store(step.after, out.cells + 3 * at, c);
        }
      }
    }
  }

  // `gates`, as the forward left them, become their gradients.
  void backward(const SlstmGradients<T>& g, T* gates) const {
    const std::int64_t width = s_.width();
    for (std::int64_t b = 0; b < s_.batch; ++b) {
      const T* first = g.first + b * 4 * width;
      std::vector<double> d(static_cast<std::size_t>(4 * width), 0.0);  // of the state
      if (g.d_last != nullptr) d.assign(g.d_last + b * 4 * width, g.d_last + (b + 1) * 4 * width);
      for (std::int64_t t = s_.length - 1; t >= 0; --t) {
        const std::int64_t at = (b * s_.length + t) * width;
        const T* cells = t == 0 ? first + width : g.cells + 3 * (at - width);
        for (std::int64_t c = 0; c < width; ++c) {
          d[static_cast<std::size_t>(c)] += static_cast<double>(g.d_h[at + c]);
          through_step(at, c, cell(cells, c), g, gates, d);
        }
        through_r(at, t == 0 ? first : g.h + at - width, gates, g.dr, d);
      }
      if (g.d_first == nullptr) continue;
      for (std::int64_t i = 0; i < 4 * width; ++i)
        g.d_first[b * 4 * width + i] += static_cast<T>(d[static_cast<std::size_t>(i)]);
    }
  }

 private:
  struct Cell {
    double c, n, m;
  };
  struct Step {
    double keep, take, proposed, out;
    bool kept_wins;
    Cell after;
  };

  Cell cell(const T* rows, std::int64_t c) const {
    return {static_cast<double>(rows[c]), static_cast<double>(rows[s_.width() + c]),
            static_cast<double>(rows[2 * s_.width() + c])};
  }
  void store(const Cell& cell, T* rows, std::int64_t c) const {
    rows[c] = static_cast<T>(cell.c);
    rows[s_.width() + c] = static_cast<T>(cell.n);
    rows[2 * s_.width() + c] = static_cast<T>(cell.m);
  }
  // Gate `gate` of channel c, at row `at` of the inputs.
  std::int64_t place(std::int64_t at, std::int64_t c, std::int64_t gate) const {
    return 4 * at + c / s_.dim * 4 * s_.dim + gate * s_.dim + c % s_.dim;
  }
  // Of r: what number j of the head of c adds to its gate.
  std::int64_t weight(std::int64_t c, std::int64_t j, std::int64_t gate) const {
    return ((c / s_.dim * s_.dim + j) * 4 + gate) * s_.dim + c % s_.dim;
  }

  void sum_gates(std::int64_t at, std::int64_t c, const T* h, T* gates) const {
    const T* const inputs[] = {in_.i, in_.f, in_.z, in_.o};
    for (std::int64_t gate = 0; gate < 4; ++gate) {
      auto sum = static_cast<double>(inputs[gate][at + c]);
      for (std::int64_t j = 0; j < s_.dim; ++j) {
        sum +=
            static_cast<double>(h[c / s_.dim * s_.dim + j]) * static_cast<double>(in_.r[weight(c, j, gate)]);
      }
      gates[place(at, c, gate)] = static_cast<T>(sum);
    }
  }

  // m' = max(log f + m, i~); c' = e^{log f + m - m'} c + e^{i~ - m'} tanh(z~); n' the same with 1 for tanh.
  Step step_of(std::int64_t at, std::int64_t c, const T* gates, const Cell& before) const {
    const auto gate = [&](std::int64_t which) { return static_cast<double>(gates[place(at, c, which)]); };
    const double kept = log_forget(gate(1)) + before.m;
    const double m = std::max(kept, gate(0));
    const double keep = std::exp(kept - m);
    const double take = std::exp(gate(0) - m);
    const double proposed = std::tanh(gate(2));
    return {keep,
            take,
            proposed,
            sigmoid(gate(3)),
            kept >= gate(0),
            {keep * before.c + take * proposed, keep * before.n + take, m}};
  }

  void through_step(std::int64_t at, std::int64_t c, const Cell& before, const SlstmGradients<T>& g, T* gates,
                    std::vector<double>& d) const {
    const Step step = step_of(at, c, gates, before);
    const auto number = [&](std::int64_t row) -> double& {
      return d[static_cast<std::size_t>(row * s_.width() + c)];
    };
    const double share = step.after.c / step.after.n;
    const double d_share = number(0) * step.out;
    const double dc = number(1) + d_share / step.after.n;
    const double dn = number(2) - d_share * share / step.after.n;
    const double d_keep = (dc * before.c + dn * before.n) * step.keep;
    const double d_take = (dc * step.proposed + dn) * step.take;
    const double dm = number(3) - d_keep - d_take;
    const double d_kept = d_keep + (step.kept_wins ? dm : 0);
    const double slope_f = log_forget_slope(static_cast<double>(gates[place(at, c, 1)]));
    const double d_gates[] = {d_take + (step.kept_wins ? 0 : dm), d_kept * slope_f,
                              dc * step.take * (1 - step.proposed * step.proposed),
                              number(0) * share * step.out * (1 - step.out)};
    T* const inputs[] = {g.d_i, g.d_f, g.d_z, g.d_o};
    for (std::int64_t gate = 0; gate < 4; ++gate) {
      inputs[gate][at + c] = gates[place(at, c, gate)] = static_cast<T>(d_gates[gate]);
    }
    number(1) = dc * step.keep;
    number(2) = dn * step.keep;
    number(3) = d_kept;
  }

  // From the gates to h of the token before and to r.
  void through_r(std::int64_t at, const T* h, const T* d_gates, T* dr, std::vector<double>& d) const {
    std::fill_n(d.begin(), s_.width(), 0.0);
    for (std::int64_t c = 0; c < s_.width(); ++c) {
      for (std::int64_t gate = 0; gate < 4; ++gate) {
        const T d_gate = d_gates[place(at, c, gate)];
        for (std::int64_t j = 0; j < s_.dim; ++j) {
          const std::int64_t from = c / s_.dim * s_.dim + j;
          d[static_cast<std::size_t>(from)] += static_cast<double>(d_gate * in_.r[weight(c, j, gate)]);
          dr[weight(c, j, gate)] += d_gate * h[from];
        }
      }
    }
  }

  SlstmShape s_;
  SlstmInputs<T> in_;
};

}  // namespace naive
}  // namespace seqbench
